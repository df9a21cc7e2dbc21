//! HTTP: the server and its limits, middleware, errors, authentication, accounts, the OpenAPI document and telemetry.
//! Resources are in crates of their own, so that an edit does not compile this one.

pub mod accounts;
pub mod auth;
pub mod error;
pub mod etag;
pub mod examples;
pub mod health;
pub mod idempotency;
pub mod json;
mod metrics;
pub mod middleware;
mod openapi;
mod paths;
mod process;
mod redis_client;
mod reload;
pub mod responses;
mod routes;
mod server;
mod state;
pub mod telemetry;
pub mod text;
pub mod validation;

pub use process::serve;
pub use routes::{Service, spec};
pub use server::{InvalidSetting, Server};
pub use state::AppState;
