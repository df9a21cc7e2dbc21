//! The schema and every SQL statement. Knows nothing of HTTP.
//!
//! One module a resource (`persons`), each a set of free functions called with their module's name:
//! `db::persons::find(&client, id)`.

pub mod accounts;
pub mod admin;
pub mod audit;
pub mod bulk;
mod coalesce;
mod connection;
pub mod copies;
mod database;
mod error;
pub mod idempotency_keys;
pub mod migrations;
pub mod persons;
mod pipeline;
mod seed;
mod timings;
mod tls;
pub mod tokens;

pub use connection::{Connection, PoolClient, Transaction};
pub use database::{Database, Retry, both, connect, retry};
pub use error::Error;
pub use seed::{development_email, seed, seed_accounts};
pub use timings::{Timings, timings};
pub use tokio_postgres::{Client, Config as ConnectionConfig};
