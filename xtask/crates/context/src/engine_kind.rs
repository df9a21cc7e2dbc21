//! The engines that can run the stack.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// An engine that runs the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineKind {
    /// Containers.
    Docker,
    /// Processes on this machine.
    Local,
}

impl EngineKind {
    /// Returns the name in settings, in JSON and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Local => "local",
        }
    }
}

/// The value of the setting ENGINE or the flag `--engine`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EngineChoice {
    /// Docker if available, otherwise a PostgreSQL installed on this machine
    Auto,
    /// Docker containers
    Docker,
    /// Processes on this machine, with an installed PostgreSQL
    Local,
}
