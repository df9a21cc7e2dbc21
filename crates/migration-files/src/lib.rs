//! The rules for migration files: their names, and their comparison with the migrations that a database has applied.
//!
//! The migration tool, the task runner and the linter share these rules. This crate does not connect to a database.

mod compare;
mod migration;

pub use compare::{Kind, Problem, compare, numbers};
pub use migration::{
    FOLDER, Migration, NO_TRANSACTION, files, has_statement, is_without_transaction, parse,
    parse_down,
};
