//! The API server: what `main.rs` runs and the tests start in-process.

mod error;
mod health;
mod landing;
mod middleware;
mod persons;
mod routes;
mod server;

pub use routes::spec;
pub use server::Server;
