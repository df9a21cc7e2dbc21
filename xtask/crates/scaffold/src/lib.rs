//! Writes resources: the source file, the test, the migrations, and the lines that register them.
//!
//! The templates are files of the project with holes. Everything is written as a whole or not at all, and every command
//! refuses what it cannot do before it writes.
#![expect(clippy::format_push_string, clippy::format_collect, reason = "the texts are short")]

mod add_field;
mod checkout;
mod described;
mod edit;
mod field;
mod git;
pub mod init;
mod kind;
mod names;
mod new_resource;
mod plan;
mod register;
mod remove;
mod request;
mod resource;
mod schema;
mod sql;
mod templates;
mod words;

pub use add_field::new_field;
pub use checkout::Domain;
pub use new_resource::new_resource;
pub use plan::Plan;
pub use remove::{Removal, remove_resource};
pub use request::{NewField, NewResource};
pub use words::is_snake_case;
