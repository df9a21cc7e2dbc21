//! End-to-end tests: the API in this process, over HTTP, on a real PostgreSQL; one module a resource.
//!
//! Every test has a database of its own ([`harness`]), so they run in parallel and in any order.

mod docs;
mod errors;
mod harness;
mod health;
mod migrate;
mod persons;
mod server;
mod tidy;
