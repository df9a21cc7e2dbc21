//! Ships releases to a production stack, on the Docker engine of this machine or of a server that SSH can reach.

pub mod archive;
mod args;
pub mod certificates;
pub mod checks;
pub mod database_volume;
pub mod history;
pub mod image;
mod metrics;
mod platform;
pub mod previous_release;
mod proxy;
mod replicas;
pub mod rolling_update;
pub mod sbom;
pub mod schema;
mod secret_files;
pub mod secrets;
mod server;
pub mod status;
pub mod transfer;

pub use args::{HostArgs, ProductionArgs};
pub use platform::Platform;
pub use server::Server;
