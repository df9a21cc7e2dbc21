//! The API: what `main.rs` serves and the tests start in-process. What it stands on is the crate `web`.

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

/// Takes the ports, see [`Server::bind`].
///
/// # Errors
/// Those of [`Server::bind`].
pub fn bind(config: Config) -> anyhow::Result<Server> {
    Server::bind(config, routes::service)
}
