//! What `up` did last, so that the next command knows what runs and what changed since.

use std::{fs, path::PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::{engine::Kind, project::Project};

/// What `up` did last. Kept until `down`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) engine: Kind,
    /// Why this engine.
    pub(crate) why: String,
    pub(crate) production: bool,
    pub(crate) api_port: u16,
    pub(crate) postgres_port: u16,
    /// What was built last and runs; none while `up` is at work or after it failed.
    pub(crate) built: Option<Fingerprints>,
    /// The API's process, where it is one of this machine.
    pub(crate) api: Option<ApiProcess>,
}

/// What the running stack was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fingerprints {
    /// The source of the server and the migrations.
    pub(crate) source: u64,
    /// What the images are made from.
    pub(crate) images: u64,
    /// Settings and compose files.
    pub(crate) settings: u64,
}

/// A process, told from a later one with the same number by its start.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct ApiProcess {
    pub(crate) pid: u32,
    /// Seconds since 1970.
    pub(crate) started: u64,
}

impl State {
    /// What `up` left, if it was run since the last `down`.
    pub(crate) fn load(project: &Project) -> Option<Self> {
        // A file that an older version of this wrote is as good as none.
        serde_json::from_slice(&fs::read(path(project)).ok()?).ok()
    }

    pub(crate) fn save(&self, project: &Project) -> anyhow::Result<()> {
        let path = path(project);
        let folder = path.parent().context("it is in a folder")?;
        let write = || {
            fs::create_dir_all(folder)?;
            // By rename: whoever is interrupted here leaves the old or the new, never half of one.
            let new = path.with_extension("new");
            fs::write(&new, serde_json::to_vec_pretty(self)?)?;
            fs::rename(&new, &path)
        };
        write().with_context(|| format!("cannot write {}", path.display()))
    }

    pub(crate) fn remove(project: &Project) -> anyhow::Result<()> {
        match fs::remove_file(path(project)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}

fn path(project: &Project) -> PathBuf {
    project.runtime("state.json")
}
