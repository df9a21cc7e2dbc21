//! HTTP: the server and its limits, middleware, errors, authentication, accounts, the OpenAPI document and telemetry.
//! Resources are in crates of their own, so that an edit does not compile this one.

pub mod accounts;
mod apis;
pub mod auth;
pub mod columns;
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
pub mod resource;
pub mod responses;
mod routes;
mod server;
mod state;
pub mod telemetry;
pub mod text;
pub mod validation;

pub use apis::Api;
pub use process::serve;
pub use routes::{About, Service, spec};
pub use server::{InvalidSetting, Server};
pub use state::AppState;
pub use store::{self, audited};
