//! The state of a service of the stack.

use serde::Serialize;

/// A service of the stack and its current state.
#[derive(Debug, Serialize)]
pub struct Service {
    /// `postgres`, `api` …
    pub name: String,
    /// `running`, `exited` …
    pub state: String,
    /// `healthy`, `unhealthy`, `starting`, or empty if the service has no health check.
    pub health: String,
    /// The port on this machine.
    pub port: Option<u16>,
    /// The uptime as text, such as `2 hours`.
    pub uptime: String,
    /// The resident memory in bytes, if requested and known.
    pub memory: Option<u64>,
}

impl Service {
    /// Returns whether the service runs.
    pub fn is_running(&self) -> bool {
        self.state == "running"
    }
}
