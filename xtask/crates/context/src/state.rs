//! The state that `up` saves for later commands.

use std::{fs, path::PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::{engine_kind::EngineKind, project::Project, settings::Settings};

/// The state of the stack after the last `up`. `down` removes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct State {
    /// The engine that runs the stack.
    pub engine: EngineKind,
    /// The reason for the choice of the engine.
    pub why: String,
    /// True if the stack runs in the production profile.
    pub production: bool,
    /// The port of the API, or of nginx in production.
    pub api_port: u16,
    /// The port of the database.
    pub postgres_port: u16,
    /// The fingerprints of the running build. `None` while `up` runs and after a failed `up`.
    pub built: Option<Fingerprints>,
    /// The process of the API (engine local).
    pub api: Option<ApiProcess>,
}

/// Hashes of the files and settings that the stack was built from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprints {
    /// The source of the server and the migrations.
    pub source: u64,
    /// The files that the images are built from.
    pub images: u64,
    /// Settings and compose files.
    pub settings: u64,
}

/// A process. The start time distinguishes it from a later process with the same PID.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct ApiProcess {
    /// The process ID.
    pub pid: u32,
    /// The start time in seconds since 1970.
    pub started: u64,
}

impl State {
    /// Returns the state of a stack that has not started yet, with the ports of the settings.
    pub fn new(engine: EngineKind, why: String, settings: &Settings) -> Self {
        let Settings { production, api_port, postgres_port, .. } = *settings;
        Self { engine, why, production, api_port, postgres_port, built: None, api: None }
    }

    /// Loads the saved state. Returns `None` after `down`.
    pub fn load(project: &Project) -> Option<Self> {
        // A file that an older version of xtask has written may be unreadable. It then counts as missing.
        serde_json::from_slice(&fs::read(path(project)).ok()?).ok()
    }

    /// Saves the state for later commands.
    pub fn save(&self, project: &Project) -> anyhow::Result<()> {
        let path = path(project);
        let folder = path.parent().context("the state file is not in a folder")?;
        let write = || {
            fs::create_dir_all(folder)?;
            // Writes a new file and renames it. The rename is atomic, so an interruption cannot leave a half-written
            // file.
            let new = path.with_extension("new");
            fs::write(&new, serde_json::to_vec_pretty(self)?)?;
            fs::rename(&new, &path)
        };
        write().with_context(|| format!("cannot write {}", path.display()))
    }

    /// Removes the saved state.
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
