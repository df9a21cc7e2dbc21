//! Tests with real servers. The tests need an installed PostgreSQL and remove all files at the end.

mod find;
mod recover;
mod scratch;
mod serve;
mod temporary;
