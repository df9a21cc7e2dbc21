//! The database schema of the API: migrations, seeds and bulk loading.
//!
//! Read in this order:
//!
//! 1. `schema.sql`, next to `src`, shows the tables after all migrations. A test checks that it is up to date.
//! 2. `migrations/` contains one SQL file for each change of the schema. [`migrations`] applies these files.
//! 3. `seeds/` contains the sample rows for development. [`seed()`] loads the rows.
//!
//! This crate contains no queries of resources: each resource has its queries in its own file below `crates/domains`.
//! The crate `store` connects to PostgreSQL and contains the queries for accounts, tokens and the audit. This crate
//! re-exports the parts of `store` that tools and tests need.

pub mod bulk;
pub mod migrations;
mod seed;

pub use seed::{seed, seed_accounts};
pub use store::{
    Client, Connection, ConnectionConfig, Database, Error, accounts, admin, audit, both, connect,
    copies, privileges, retry, tokens,
};
