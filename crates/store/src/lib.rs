//! What statements stand on, whatever they are about: connections and their pool, transactions and retries, statements
//! that many calls share, the running of migrations, whole databases, and what keeps accounts, tokens and the audit.
//!
//! `db` hands on what its callers need of it: they call `db::accounts::find` as if it stood there.

pub mod accounts;
pub mod admin;
pub mod audit;
mod batch;
mod connection;
pub mod copies;
mod database;
mod error;
pub mod idempotency_keys;
pub mod migrations;
mod table;
mod timings;
mod tls;
pub mod tokens;

pub use batch::Batcher;
pub use connection::{Connection, PoolClient, Transaction};
pub use database::{Database, Retry, both, connect, retry};
pub use error::Error;
pub use table::{Change, Filter, Json, NewRow, Parent, Queries, Table};
pub use timings::{Timings, timings};
pub use tokio_postgres::{Client, Config as ConnectionConfig, Row, types};
