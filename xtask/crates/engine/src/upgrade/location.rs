//! The location of the data of a stack, and the server that uses the data.

use std::process::Command;

use context::{engine_kind::EngineKind, env_file, project::Project};
use serde::{Deserialize, Serialize};

/// The number of log lines to read after a server failed.
pub(super) const LOG_LINES: usize = 40;

/// The location of the data of a stack, as variables in `.env`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterLocation {
    /// POSTGRES_IMAGE and POSTGRES_VOLUME, or PG_BIN and PG_CLUSTER.
    pub(super) variables: Vec<(String, String)>,
    /// The major version of PostgreSQL.
    pub major: u32,
}

/// A server on the data of a [`ClusterLocation`]. Stops when it is dropped.
pub trait Server {
    /// Returns a PostgreSQL program of the server's version, connected to the server.
    fn program(&self, name: &str) -> Command;

    /// Returns the end of the server's log. Empty if the log does not exist.
    fn log(&self) -> String;

    /// Stops the server without a checkpoint, which could fail on a full disk. The data is discarded.
    fn discard(&self);
}

impl ClusterLocation {
    pub(super) fn new(
        image_or_bin: (&str, String),
        volume_or_cluster: (&str, String),
        major: u32,
    ) -> Self {
        let variables = [image_or_bin, volume_or_cluster];
        Self { variables: variables.map(|(name, value)| (name.to_owned(), value)).into(), major }
    }

    pub(super) fn value(&self, index: usize) -> &str {
        &self.variables[index].1
    }

    /// Describes the location for messages.
    pub fn place(&self, engine: EngineKind) -> String {
        let what = if engine == EngineKind::Docker { "volume" } else { ".slipway folder" };
        format!("the {what} {}", self.value(1))
    }

    /// Selects this location in `.env` for the next start of the stack. The change of the file is atomic.
    pub fn choose(&self, project: &Project) -> anyhow::Result<()> {
        env_file::create_if_missing(&project.root)?;
        let variables: Vec<_> =
            self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        env_file::set(&project.root, &variables)
    }
}
