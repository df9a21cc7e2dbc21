//! What an API stands on, whatever it is about: the server and its limits, errors, JSON, the document, and the accounts
//! and tokens of those who may use it. What an API is about is in `api`, which teams edit all day: that it is a
//! crate of its own is why an edit takes as little time as it does.

pub mod accounts;
pub mod answers;
mod apis;
pub mod auth;
pub mod columns;
mod document;
pub mod error;
pub mod etag;
pub mod examples;
pub mod health;
pub mod idempotency;
pub mod json;
mod metrics;
pub mod middleware;
mod paths;
mod process;
mod reload;
pub mod resource;
mod routes;
mod server;
mod sessions;
mod shared_store;
pub mod text;
mod tokens;
pub mod validation;

pub use apis::Api;
pub use process::{Unusable, serve};
pub use routes::{About, Foundation, Service, spec};
pub use server::Server;
pub use store::audited;
