//! Finds, initialises, starts and stops the PostgreSQL that is installed on this machine.
//!
//! [`Installation`] contains the programs, [`Cluster`] is the project's server, and [`Temporary`] is
//! a temporary server for tests.

mod cluster;
mod error;
mod fnv1a;
mod installation;
mod port;
mod process;
mod program;
mod server_user;
mod temporary;

pub use cluster::{Cluster, Credentials, Started, Status, Stop};
pub use error::Error;
pub use fnv1a::Fnv1a;
pub use installation::Installation;
pub use port::{free_port, is_free};
pub use program::program;
pub use temporary::Temporary;
