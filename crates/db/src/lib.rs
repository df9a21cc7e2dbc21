//! The schema of the API: migrations and seeds.
//!
//! One module a resource (`persons`), each a set of free functions called with their module's name:
//! `db::persons::find(&client, id)`. What they stand on is the crate `store`; what callers
//! of both need of it is handed on from here.

pub mod bulk;
pub mod migrations;
mod seed;

pub use seed::{seed, seed_accounts};
pub use store::{
    Client, Connection, ConnectionConfig, Database, Error, accounts, admin, audit, both, connect,
    copies, retry, tokens,
};
