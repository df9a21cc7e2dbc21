//! PostgreSQL: the connection pool, transactions, retries, batching, the migration runner, accounts, credentials,
//! tokens and the audit log. `db` re-exports what its callers need.

pub mod accounts;
pub mod admin;
pub mod audit;
mod cancellation;
mod coalesce;
mod connection;
pub mod copies;
pub mod credentials;
mod database;
mod error;
pub mod idempotency_keys;
pub mod migrations;
mod pipeline;
mod retry;
mod timings;
mod tls;
pub mod tokens;

pub use coalesce::Coalesced;
pub use connection::{Connection, PoolClient, Transaction, both};
pub use database::{Database, connect};
pub use error::Error;
pub use pipeline::Pipeline;
pub use retry::{Retry, retry};
pub use timings::{Timings, timings};
pub use tokio_postgres::{Client, Config as ConnectionConfig};
