//! Ships releases to the production stack of a server: this machine's engine, or one that is reached over SSH.

mod args;
pub mod history;
pub mod image;
mod platform;
pub mod previous_release;
mod proxy;
mod replicas;
pub mod rolling_update;
pub mod sbom;
pub mod schema;
pub mod secrets;
mod server;
pub mod status;
pub mod transfer;

pub use args::{HostArgs, ProductionArgs};
pub use platform::Platform;
pub use server::Server;
