//! Generates and edits resources: source file, test, migrations, and the lines that register them.
//!
//! Every command first plans all changes and then writes either all of them or none.
#![expect(clippy::format_push_string, clippy::format_collect, reason = "the texts are short")]

mod add_field;
mod checkout;
mod edit;
mod field;
mod git;
mod kind;
mod names;
mod new_resource;
mod plan;
mod register;
mod remove;
mod request;
mod resource;
mod schema;
mod schema_sql;
mod sql;
mod templates;

pub use add_field::new_field;
pub use checkout::Domain;
pub use new_resource::new_resource;
pub use plan::Plan;
pub use remove::{Removal, remove_resource};
pub use request::{NewField, NewResource};
