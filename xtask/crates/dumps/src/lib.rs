//! Dumps of a database as files: written, recognised and loaded with PostgreSQL's own tools, wherever
//! those run.

mod archive;
mod contents;
mod dump;
mod file;
mod load;
mod script;
mod server;
mod tool;
mod versions;

pub use contents::{Held, hold};
pub use dump::{Format, dump};
pub use file::{Dump, Unpack};
pub use load::load;
pub use server::copy_server;
pub use tool::{Tools, major, output_of};
pub use versions::Versions;
