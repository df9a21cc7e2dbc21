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
    /// The API on this machine, and a database that someone else runs.
    External,
}

impl EngineKind {
    /// Returns the name in settings, in JSON and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Local => "local",
            Self::External => "external",
        }
    }

    /// Returns whether this project runs the database, so that commands may copy, upgrade and remove it.
    pub fn runs_database(self) -> bool {
        self != Self::External
    }

    /// Returns the services that must be running.
    pub fn services(self) -> &'static [&'static str] {
        if self.runs_database() { &["postgres", "api"] } else { &["api"] }
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
    /// The API on this machine, with the database that DATABASE_URL in .env names
    External,
}
