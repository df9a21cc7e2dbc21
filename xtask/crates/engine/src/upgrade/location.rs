//! Where the data of a stack is, and the server that runs on it.

use std::process::Command;

use context::{engine_kind::EngineKind, env_file, project::Project};
use serde::{Deserialize, Serialize};

/// How far back the log of a server that has failed is read.
pub(super) const LOG_LINES: usize = 40;

/// What `.env` says of the data's place: its variables and their values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterLocation {
    /// POSTGRES_IMAGE and POSTGRES_VOLUME, or PG_BIN and PG_CLUSTER.
    pub(super) variables: Vec<(String, String)>,
    /// The major version of PostgreSQL.
    pub major: u32,
}

/// A server on the data of a [`ClusterLocation`], which stops when this is dropped.
pub trait Server {
    /// Returns one of its programs, connected to it.
    fn program(&self, name: &str) -> Command;

    /// The end of its log, empty where it is gone.
    fn log(&self) -> String;

    /// Ends it without a last checkpoint, for which a full disk may have no room: the data is of no use.
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

    /// For people.
    pub fn place(&self, engine: EngineKind) -> String {
        let what = if engine == EngineKind::Docker { "volume" } else { ".slipway folder" };
        format!("the {what} {}", self.value(1))
    }

    /// Makes it that of the stack, from its next start on: all of it at once, or nothing.
    pub fn choose(&self, project: &Project) -> anyhow::Result<()> {
        env_file::create_if_missing(&project.root)?;
        let variables: Vec<_> =
            self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        env_file::set(&project.root, &variables)
    }
}
