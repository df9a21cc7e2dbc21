//! The schema of the API: migrations and seeds.
//!
//! The queries of a resource stand in its file below `crates/domains`, the queries of accounts, tokens and the audit in
//! `store`.

pub mod bulk;
pub mod migrations;
mod seed;

pub use seed::{seed, seed_accounts};
pub use store::{
    Client, Connection, ConnectionConfig, Database, Error, accounts, admin, audit, both, connect,
    copies, retry, tokens,
};
