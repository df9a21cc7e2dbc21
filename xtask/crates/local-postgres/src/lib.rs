//! Finds, fetches, initialises, starts and stops a PostgreSQL on this machine.
//!
//! [`Installation`] contains the programs, [`Cluster`] is the project's server, and [`Temporary`] is
//! a temporary server for tests.

mod cluster;
mod delete;
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
pub use installation::{Fetched, Installation};
pub use port::{free_port, is_free};
pub use program::program;
pub use server_user::is_root;
pub use temporary::Temporary;
