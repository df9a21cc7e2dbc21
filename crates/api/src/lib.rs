//! The API: what `main.rs` serves and the tests start in-process. What it stands on is the crate `web`.

mod audit;
mod health;
mod landing;
mod persons;
mod routes;

#[cfg(test)]
mod tests;

use config::Config;

pub use web::{Server, Unusable};

/// Takes the ports, see [`Server::bind`].
///
/// # Errors
/// Those of [`Server::bind`].
pub fn bind(config: Config) -> anyhow::Result<Server> {
    Server::bind(config, routes::service)
}

/// Serves until a signal comes, see [`web::serve`].
///
/// `main.rs` has nothing to compile but this call: an edit of the API makes it link, and no more.
///
/// # Errors
/// Those of [`web::serve`].
pub fn serve(config: Config, log_filter: Option<String>, ready: fn()) -> anyhow::Result<()> {
    web::serve(config, routes::service, log_filter, ready)
}

/// The OpenAPI document, as JSON.
pub fn spec() -> String {
    web::spec(routes::service)
}
