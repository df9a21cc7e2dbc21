//! The state that `up` leaves: what runs, and what it was made from.

use std::{fs, path::PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::{engine_kind::EngineKind, project::Project, settings::Settings};

/// What `up` did last. Kept until `down`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct State {
    /// The engine that runs the stack.
    pub engine: EngineKind,
    /// Why this engine.
    pub why: String,
    /// Whether the stack runs in the production profile.
    pub production: bool,
    /// The port of the API, or of nginx in production.
    pub api_port: u16,
    /// The port of the database.
    pub postgres_port: u16,
    /// What was built last and runs; none while `up` is at work or after it failed.
    pub built: Option<Fingerprints>,
    /// The API's process, where it is one of this machine.
    pub api: Option<ApiProcess>,
}

/// What the running stack was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprints {
    /// The source of the server and the migrations.
    pub source: u64,
    /// What the images are made from.
    pub images: u64,
    /// Settings and compose files.
    pub settings: u64,
}

/// A process, told from a later one with the same number by its start.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct ApiProcess {
    /// The number of the process.
    pub pid: u32,
    /// Seconds since 1970.
    pub started: u64,
}

impl State {
    /// Returns the state of a stack that is not up yet, as the settings have it.
    pub fn new(engine: EngineKind, why: String, settings: &Settings) -> Self {
        let Settings { production, api_port, postgres_port, .. } = *settings;
        Self { engine, why, production, api_port, postgres_port, built: None, api: None }
    }

    /// What `up` left, if it was run since the last `down`.
    pub fn load(project: &Project) -> Option<Self> {
        // A file that an older version of this wrote is as good as none.
        serde_json::from_slice(&fs::read(path(project)).ok()?).ok()
    }

    /// Writes the state, for the next command.
    pub fn save(&self, project: &Project) -> anyhow::Result<()> {
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

    /// Removes the state of a stack that is down.
    pub fn remove(project: &Project) -> anyhow::Result<()> {
        match fs::remove_file(path(project)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}

fn path(project: &Project) -> PathBuf {
    project.runtime("state.json")
}
