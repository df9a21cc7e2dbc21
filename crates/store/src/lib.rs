//! The PostgreSQL layer: connections, transactions, generic table queries, migrations, accounts and the audit log.
//!
//! Read in this order:
//!
//! 1. [`Database`] is the connection pool, which returns a [`PoolClient`] or begins a [`Transaction`].
//! 2. [`Connection`] is the trait of both types. It prepares, measures and cancels queries.
//! 3. [`Error`] lists the errors that callers distinguish, such as a violated constraint.
//! 4. [`Table`] runs the queries of a resource, which are in [`Queries`]. [`Batcher`] combines concurrent calls into
//!    one query, and [`retry()`] repeats a transaction after a conflict.
//! 5. [`migrations`] applies and undoes migrations.
//! 6. [`accounts`], [`tokens`], [`audit`] and [`idempotency_keys`] contain the queries for these tables.
//!
//! [`admin`], [`copies`] and [`privileges`] are for tools and tests. The crate `db` re-exports most of this crate.

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
pub mod privileges;
mod query_metrics;
mod retry;
mod rotated_password;
mod table;

mod tls;
pub mod tokens;

pub use batch::Batcher;
pub use connection::{Connection, Parameters, PoolClient, Transaction, both};
pub use database::{Database, connect};
pub use error::{Error, without_values};
pub use query_metrics::{QueryDurations, query_durations};
pub use retry::{Retry, retry};
pub use table::{Change, Filter, Json, NewRow, Parent, Queries, Table};
pub use tokio_postgres::{Client, Config as ConnectionConfig, Row, types};
