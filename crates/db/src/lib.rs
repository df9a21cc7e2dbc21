//! The schema and every SQL statement. Knows nothing of HTTP.
//!
//! One module a resource (`persons`), each a set of free functions called with their module's name:
//! `db::persons::find(&client, id)`.

pub mod accounts;
pub mod admin;
pub mod audit;
mod error;
pub mod idempotency_keys;
pub mod migrations;
pub mod persons;
mod pool;
mod seed;
pub mod tokens;

pub use deadpool_postgres::{GenericClient, Pool, Transaction};
pub use error::Error;
pub use pool::{connect, ping, pool};
pub use seed::{development_email, seed, seed_accounts};
pub use tokio_postgres::{Client, Config as ConnectionConfig};
