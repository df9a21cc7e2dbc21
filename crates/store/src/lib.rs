//! PostgreSQL: the connection pool, transactions, retries, batching, the migration runner, accounts, credentials,
//! tokens and the audit log. `db` re-exports what its callers need.

pub mod accounts;
pub mod admin;
pub mod audit;
mod batch;
mod cancellation;
mod connection;
pub mod copies;
pub mod credentials;
mod database;
mod error;
pub mod idempotency_keys;
pub mod migrations;
mod query_metrics;
mod retry;
mod table;

mod tls;
pub mod tokens;

pub use batch::Batcher;
pub use connection::{Connection, Parameters, PoolClient, Transaction, both};
pub use database::{Database, connect};
pub use error::Error;
pub use query_metrics::{QueryDurations, query_durations};
pub use retry::{Retry, retry};
pub use table::{Change, Filter, Json, NewRow, Parent, Queries, Table};
pub use tokio_postgres::{Client, Config as ConnectionConfig, Row, types};
