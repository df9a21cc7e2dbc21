//! The engine of this test run.

use std::env;

/// An engine that runs the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Docker,
    Local,
}

impl Engine {
    /// Returns the engine in COMMANDS_ENGINE.
    pub(crate) fn requested() -> Self {
        match env::var("COMMANDS_ENGINE").as_deref() {
            Ok("docker") => Self::Docker,
            Ok("local") => Self::Local,
            other => panic!("invalid COMMANDS_ENGINE {other:?}: expected docker or local"),
        }
    }

    /// Returns the name of the engine for `--engine` and ENGINE.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Local => "local",
        }
    }
}
