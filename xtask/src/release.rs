//! The production stack on a server: this machine's engine, or one that is reached over SSH.

pub(crate) mod image;
pub(crate) mod ledger;
pub(crate) mod overview;
mod platform;
mod proxy;
mod replicas;
pub(crate) mod roll;
pub(crate) mod sbom;
pub(crate) mod schema;
pub(crate) mod secrets;
pub(crate) mod server;

pub(crate) use platform::Platform;
pub(crate) use server::{Host, Production, Server};
