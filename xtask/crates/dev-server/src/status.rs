//! What the supervisor is at, as the landing page and `cargo xtask` are told.

use serde::Serialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// Compiling, migrating or starting; the last good build serves, if there is one.
    Building,
    /// The newest source is served.
    Live,
    /// The newest source does not compile, migrate or start; the last good build serves, if there is one.
    Failed,
    /// The server ended by itself and is started again soon.
    Crashed,
}

/// Why something is not served.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Failure {
    pub(crate) stage: Stage,
    /// The compiler's words, with ANSI colours, or the migration tool's, or how the server ended.
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

/// One JSON object. What is absent is null.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Status {
    pub(crate) state: State,
    /// The process that serves, if one does.
    pub(crate) server: Option<u32>,
    /// Counts the builds since the start.
    pub(crate) build: u32,
    /// The changed files that made this build necessary.
    pub(crate) changed: Vec<String>,
    /// How long it took from the change to being served.
    pub(crate) seconds: Option<f64>,
    /// Why the newest source is not served.
    pub(crate) failure: Option<Failure>,
    /// Changed files that only `cargo xtask up` takes notice of.
    pub(crate) needs_up: Vec<String>,
}
