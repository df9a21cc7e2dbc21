//! End-to-end tests: the API in this process, over HTTP, on a real PostgreSQL.
//!
//! Every test has its own database, so tests run in parallel and in any order. `test-postgres` runs the server:
//! TEST_POSTGRES and TEST_DATABASE_URL choose it.

mod access;
mod accounts;
mod audit;
mod backups;
mod bodies;
mod connections;
mod contract;
mod database;
mod docs;
mod dumps;
mod endless;
mod errors;
mod faults;
mod guesses;
mod harness;
mod headers;
mod health;
mod http2;
mod idempotency;
mod incomplete_requests;
mod log;
mod malformed;
mod metrics;
mod migrate;
mod persons;
mod privileges;
mod rate_limits;
mod recent_requests;
#[cfg(feature = "redis")]
mod replicas;
mod requests;
mod runbook;
mod server;
mod sessions;
mod smuggling;
mod snapshots;
mod synthetic;
mod tidy;
mod tokens;
mod traces;
