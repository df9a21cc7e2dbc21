//! The API server: what `main.rs` runs and the tests start in-process.

mod document;
mod error;
mod etag;
mod health;
mod idempotency;
mod json;
mod landing;
mod metrics;
mod middleware;
mod paths;
mod persons;
mod routes;
mod server;
mod text;
mod validation;

pub use routes::spec;
pub use server::Server;
