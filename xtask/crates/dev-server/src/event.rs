//! The events that the supervisor handles.

use std::{net::TcpStream, path::PathBuf};

use crate::{program::Built, request::Request, status::Failure};

/// An event for the supervisor.
#[derive(Debug)]
pub(crate) enum Event {
    /// A file changed.
    Changed,
    /// The build with this number ended.
    Built(u32, Result<Built, Failure>),
    /// Cargo has written the lists of source files of these programs.
    Written([PathBuf; 2]),
    /// The server with this number accepts connections.
    Ready(u32),
    /// The server with this number exited with this status.
    Ended(u32, String),
    Requested(Request, TcpStream),
    Stop,
}
