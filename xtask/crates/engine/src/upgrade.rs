//! Manages the old and the new data location of a major-version upgrade of PostgreSQL.

mod docker;
mod local;
mod location;

use std::{fs, path::PathBuf};

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};

use context::{engine_kind::EngineKind, project::Project};

pub use location::{ClusterLocation, Server};

/// An upgrade that was neither confirmed nor reverted. `.env` selects one of the two locations.
#[derive(Serialize, Deserialize)]
struct Pending {
    engine: EngineKind,
    #[serde(rename = "homes")]
    locations: [ClusterLocation; 2],
}

/// Returns the current location of the data. `major` is the version of its server.
pub fn current(
    project: &Project,
    engine: EngineKind,
    major: u32,
) -> anyhow::Result<ClusterLocation> {
    // Shell variables must not set these names. They would override the values that the upgrade writes to .env.
    let names = match engine {
        EngineKind::Docker => ["POSTGRES_IMAGE", "POSTGRES_VOLUME"],
        EngineKind::Local => ["PG_BIN", "PG_CLUSTER"],
    };
    for name in names {
        ensure!(
            std::env::var_os(name).is_none(),
            "{name} is set in the shell, which overrides .env. Unset {name} and set it in .env."
        );
    }
    match engine {
        EngineKind::Docker => Ok(docker::current(&project.settings()?, major)),
        EngineKind::Local => local::current(&project.settings()?, major),
    }
}

/// Returns the new location for `to`: a major version, an image or a folder of programs.
pub fn next(
    project: &Project,
    engine: EngineKind,
    to: Option<&str>,
) -> anyhow::Result<ClusterLocation> {
    match engine {
        EngineKind::Docker => docker::next(&project.settings()?, to),
        EngineKind::Local => local::next(to),
    }
}

/// Starts a server on a new, empty cluster in `location`. Removes the data of an earlier attempt first.
pub fn start_new(
    project: &Project,
    engine: EngineKind,
    location: &ClusterLocation,
) -> anyhow::Result<Box<dyn Server>> {
    remove(project, engine, location)?;
    match engine {
        EngineKind::Docker => docker::start(project, location),
        EngineKind::Local => local::start(project, location),
    }
}

/// Removes the data in `location`, which must not be in use.
pub fn remove(
    project: &Project,
    engine: EngineKind,
    location: &ClusterLocation,
) -> anyhow::Result<()> {
    match engine {
        EngineKind::Docker => docker::remove(&project.settings()?, location),
        EngineKind::Local => local::remove(project, location),
    }
}

/// Saves both locations until [`forget`].
pub fn remember(
    project: &Project,
    engine: EngineKind,
    locations: [ClusterLocation; 2],
) -> anyhow::Result<()> {
    let path = path(project);
    let new = path.with_extension("new");
    fs::write(&new, serde_json::to_vec_pretty(&Pending { engine, locations })?)?;
    fs::rename(&new, &path).with_context(|| format!("cannot write {}", path.display()))
}

/// Deletes the saved locations after the upgrade is confirmed or reverted.
pub fn forget(project: &Project) -> anyhow::Result<()> {
    fs::remove_file(path(project)).context("cannot remove .slipway/upgrade.json")
}

/// Returns the engine and the unused location of a pending upgrade. Returns `None` if no upgrade is pending.
pub fn other(project: &Project) -> anyhow::Result<Option<(EngineKind, ClusterLocation)>> {
    let Ok(text) = fs::read(path(project)) else { return Ok(None) };
    let Pending { engine, locations } = serde_json::from_slice(&text)?;
    let settings = project.settings()?;
    let is_current = |location: &ClusterLocation| match engine {
        EngineKind::Docker => settings.postgres_volume() == location.value(1),
        EngineKind::Local => settings.cluster() == location.value(1),
    };
    match locations {
        [old, new] if is_current(&new) => Ok(Some((engine, old))),
        [old, new] if is_current(&old) => Ok(Some((engine, new))),
        [old, new] => bail!(
            ".env selects neither {} nor {}, the locations in .slipway/upgrade.json. Restore .env.",
            old.place(engine),
            new.place(engine)
        ),
    }
}

fn path(project: &Project) -> PathBuf {
    project.runtime("upgrade.json")
}
