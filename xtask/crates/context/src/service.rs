//! A service of the stack and its condition.

use serde::Serialize;

/// A service of the stack, as it is now.
#[derive(Debug, Serialize)]
pub struct Service {
    /// `postgres`, `api` …
    pub name: String,
    /// `running`, `exited` …
    pub state: String,
    /// `healthy`, `unhealthy`, `starting`, or empty where nothing is checked.
    pub health: String,
    /// The port on this machine.
    pub port: Option<u16>,
    /// How long it has run, for people.
    pub uptime: String,
    /// Resident memory in bytes, if it was requested and is known.
    pub memory: Option<u64>,
}

impl Service {
    /// Returns whether the service runs.
    pub fn is_running(&self) -> bool {
        self.state == "running"
    }
}
