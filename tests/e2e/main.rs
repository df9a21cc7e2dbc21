//! End-to-end tests: the API in this process, over HTTP, on a real PostgreSQL; one module a resource.
//!
//! Every test has a database of its own, so they run in parallel and in any order. The server under
//! all of them is `test-postgres`'s: TEST_POSTGRES and TEST_DATABASE_URL say where it comes from.

mod access;
mod accounts;
mod audit;
mod backups;
mod connections;
mod contract;
mod crowds;
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
mod log;
mod malformed;
mod metrics;
mod migrate;
mod persons;
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
