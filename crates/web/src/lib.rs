//! The HTTP layer: server, middleware, errors, authentication, accounts, OpenAPI document and telemetry.
//!
//! Read in this order:
//!
//! 1. [`resource`] implements the operations that every resource has. A resource only declares its fields and queries.
//!    Resources are in their own crates below `crates/domains`, so that an edit does not recompile this crate.
//! 2. [`text`] and [`mod@columns`] contain types for fields, such as an email address or an enum.
//! 3. [`auth`] authenticates requests. The first argument of an operation sets the permission that it requires.
//! 4. [`error`] turns every error into a problem document (RFC 9457).
//! 5. [`Service`] combines groups of operations ([`Api`]) with the middleware, and [`Server`] serves the result.
//! 6. [`AppState`] is the state that all operations share. [`serve`] runs the server as a process.
//!
//! [`accounts`] contains the operations for accounts, sessions and API tokens.

pub mod accounts;
mod apis;
pub mod auth;
mod bodies;
pub mod columns;
pub mod error;
pub mod etag;
pub mod examples;
pub mod health;
pub mod html;
pub mod idempotency;
pub mod json;
mod metrics;
pub mod middleware;
mod openapi;
mod paths;
mod process;
mod query;
mod recent_requests;
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
