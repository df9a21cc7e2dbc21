//! The status of the supervisor, which the landing page and `cargo xtask` read.

use serde::Serialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// The newest source is being compiled, migrated or started. The last good build keeps serving.
    Building,
    /// The newest source is served.
    Live,
    /// The newest source does not compile, migrate or start. The last good build keeps serving.
    Failed,
    /// The server exited unexpectedly and restarts soon.
    Crashed,
}

/// The reason why the newest source is not served.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Failure {
    pub(crate) stage: Stage,
    /// The message of the failed step: the output of the compiler (with ANSI colours) or of the migration tool, or the
    /// exit status of the server.
    pub(crate) message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Stage {
    Build,
    Migrate,
    Start,
}

impl Failure {
    pub(crate) fn new(stage: Stage, message: impl Into<String>) -> Self {
        Self { stage, message: message.into() }
    }
}

/// The status. In JSON, absent values are `null`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Status {
    pub(crate) state: State,
    /// The process id of the current server.
    pub(crate) server: Option<u32>,
    /// The number of builds since the start.
    pub(crate) build: u32,
    /// The changed files that caused this build.
    pub(crate) changed: Vec<String>,
    /// The seconds from the change until the new server was ready.
    pub(crate) seconds: Option<f64>,
    /// The reason why the newest source is not served.
    pub(crate) failure: Option<Failure>,
    /// The changed files that require another `cargo xtask up`.
    pub(crate) needs_up: Vec<String>,
}
