//! Dumps of a database as files: written, recognised and loaded with PostgreSQL's own tools, wherever
//! those run.

mod archive;
mod dump;
mod file;
mod load;
mod tool;

pub use dump::{Format, dump};
pub use file::{Dump, Versions};
pub use load::load;
pub use tool::{Tools, major};
