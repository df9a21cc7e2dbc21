//! Writes, recognises and loads database dumps with PostgreSQL's own tools.

mod archive;
mod contents;
mod dump;
mod file;
mod load;
mod script;
mod server;
mod tool;
mod versions;

pub use contents::{LockedContents, lock_contents};
pub use dump::{Format, dump};
pub use file::{Dump, Unpack};
pub use load::load;
pub use server::copy_server;
pub use tool::{Tools, major, output_of};
pub use versions::Versions;
