//! The API server: its operations, its command line and its OpenAPI texts.
//!
//! Read in this order:
//!
//! 1. `routes.rs` lists every group of operations. Resources are in the crates below `crates/domains`. To add one,
//!    follow `docs/adding-a-resource.md`.
//! 2. `health.rs` is the shortest group of operations, and `audit.rs` is one with parameters and a page of rows.
//! 3. `command.rs` starts the server or runs one of the subcommands, see [`run`].
//!
//! The crate `web` contains the server, the middleware and the errors. Tests start the server in-process with
//! [`bind`].

mod audit;
mod command;
mod health;
mod healthcheck;
mod landing;
mod routes;

#[cfg(test)]
mod tests;

use config::Config;

pub use command::run;
pub use web::Server;

/// Binds the ports of a server that has every operation of the API. See [`Server::bind`].
///
/// # Errors
/// Returns the errors of [`Server::bind`].
pub fn bind(config: Config) -> anyhow::Result<Server> {
    Server::bind(config, routes::service)
}
