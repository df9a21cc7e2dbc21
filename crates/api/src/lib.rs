//! The API server: what `main.rs` runs and the tests start in-process.

mod accounts;
mod answers;
mod audit;
mod auth;
mod document;
mod error;
mod etag;
mod examples;
mod health;
mod idempotency;
mod json;
mod landing;
mod metrics;
mod middleware;
mod paths;
mod persons;
mod process;
mod reload;
mod routes;
mod server;
mod sessions;
mod shared_store;
mod text;
mod tokens;
mod validation;

pub use process::{Unusable, serve};
pub use routes::spec;
pub use server::Server;
