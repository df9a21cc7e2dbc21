//! The engines that can run the stack.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// An engine that runs the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineKind {
    /// Containers.
    Docker,
    /// Processes of this machine.
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

/// The engine that a setting or a flag asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EngineChoice {
    /// Docker if it can, else this machine's PostgreSQL
    Auto,
    /// Containers
    Docker,
    /// A PostgreSQL installed on this machine
    Local,
}
