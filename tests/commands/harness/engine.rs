//! Which engine the run is about.

use std::env;

/// What runs the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Docker,
    Local,
}

impl Engine {
    /// The one that COMMANDS_ENGINE names.
    pub(crate) fn asked_for() -> Self {
        match env::var("COMMANDS_ENGINE").as_deref() {
            Ok("docker") => Self::Docker,
            Ok("local") => Self::Local,
            other => panic!("set COMMANDS_ENGINE to docker or local; it is {other:?}"),
        }
    }

    /// As `--engine` and ENGINE spell it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Local => "local",
        }
    }
}
