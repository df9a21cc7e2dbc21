//! What the supervisor waits for.

use std::{net::TcpStream, path::PathBuf};

use crate::{program::Built, question::Question, status::Failure};

/// Something that happened.
#[derive(Debug)]
pub(crate) enum Event {
    /// Some file changed.
    Changed,
    /// The build of this number has ended, well or for a reason.
    Built(u32, Result<Built, Failure>),
    /// Cargo has written what these programs are made from.
    Written([PathBuf; 2]),
    /// The server of this number takes connections.
    Ready(u32),
    /// The server of this number has ended, and how.
    Ended(u32, String),
    Asked(Question, TcpStream),
    Stop,
}
