//! Manages the old and the new data location of a major-version upgrade of PostgreSQL.

mod docker;
mod local;
mod location;

use std::{fs, path::PathBuf};

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};

use context::{engine_kind::EngineKind, project::Project};
use deploy::{database_volume, image::Images};

pub use location::{ClusterLocation, Server};

/// The error for the engine external.
const EXTERNAL: &str = "`cargo xtask db upgrade` is not possible with the engine external, because someone else runs \
                        the database server. Upgrade with the tools of that server.";

/// An upgrade that was neither confirmed nor reverted. `.env` selects one of the two locations.
#[derive(Serialize, Deserialize)]
struct Pending {
    engine: EngineKind,
    #[serde(rename = "homes")]
    locations: [ClusterLocation; 2],
}

/// Fails if this project does not run the database.
pub fn check(engine: EngineKind) -> anyhow::Result<()> {
    ensure!(engine.runs_database(), EXTERNAL);
    Ok(())
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
        EngineKind::External => bail!(EXTERNAL),
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
        EngineKind::External => bail!(EXTERNAL),
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
        EngineKind::External => bail!(EXTERNAL),
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
        EngineKind::External => bail!(EXTERNAL),
    }
}

/// Removes the data in `location`, which must not be in use.
pub fn remove(
    project: &Project,
    engine: EngineKind,
    location: &ClusterLocation,
) -> anyhow::Result<()> {
    match engine {
        EngineKind::Docker => {
            let project = project.settings()?.project;
            docker::remove(None, &project, location.value(1))
        }
        EngineKind::Local => local::remove(project, location),
        EngineKind::External => bail!(EXTERNAL),
    }
}

/// Starts a server of a deployed stack with these images on the volume that the settings select. Removes the data of an
/// earlier attempt first.
pub fn start_new_deployed<'a>(
    server: &'a deploy::Server,
    images: &Images,
) -> anyhow::Result<Box<dyn Server + 'a>> {
    remove_deployed(server, &database_volume::selected(server))?;
    docker::start_deployed(server, images)
}

/// Removes a volume of a deployed stack, which must not be in use.
pub fn remove_deployed(server: &deploy::Server, volume: &str) -> anyhow::Result<()> {
    docker::remove(Some(server), server.name(), volume)
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
        EngineKind::External => false,
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
