//! Moves the data of the stack to another major version of PostgreSQL, and remembers where it was.

mod docker;
mod local;
mod location;

use std::{fs, path::PathBuf};

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};

use context::{engine_kind::EngineKind, project::Project};

pub use location::{ClusterLocation, Server};

/// An upgrade that was neither confirmed nor taken back: of the two homes, one is that of `.env`.
#[derive(Serialize, Deserialize)]
struct Pending {
    engine: EngineKind,
    homes: [ClusterLocation; 2],
}

/// The home of the stack, whose server is of this major version.
pub fn current(
    project: &Project,
    engine: EngineKind,
    major: u32,
) -> anyhow::Result<ClusterLocation> {
    // Switching is a change of .env, which the shell would win over.
    let names = match engine {
        EngineKind::Docker => ["POSTGRES_IMAGE", "POSTGRES_VOLUME"],
        EngineKind::Local => ["PG_BIN", "PG_CLUSTER"],
    };
    for name in names {
        ensure!(
            std::env::var_os(name).is_none(),
            "{name} is set in the shell, which wins over .env: unset it, and put it into .env"
        );
    }
    match engine {
        EngineKind::Docker => Ok(docker::current(&project.settings()?, major)),
        EngineKind::Local => local::current(&project.settings()?, major),
    }
}

/// The home that `to` (a major version, an image, a folder) or else the newest version here would have.
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

/// Starts a server on new, empty data in that home; what an earlier attempt left there is removed.
pub fn start_new(
    project: &Project,
    engine: EngineKind,
    home: &ClusterLocation,
) -> anyhow::Result<Box<dyn Server>> {
    remove(project, engine, home)?;
    match engine {
        EngineKind::Docker => docker::start(project, home),
        EngineKind::Local => local::start(project, home),
    }
}

/// Removes the data of a home that is not in use.
pub fn remove(project: &Project, engine: EngineKind, home: &ClusterLocation) -> anyhow::Result<()> {
    match engine {
        EngineKind::Docker => docker::remove(&project.settings()?, home),
        EngineKind::Local => local::remove(project, home),
    }
}

/// Remembers both homes until [`forget`].
pub fn remember(
    project: &Project,
    engine: EngineKind,
    homes: [ClusterLocation; 2],
) -> anyhow::Result<()> {
    let path = path(project);
    let new = path.with_extension("new");
    fs::write(&new, serde_json::to_vec_pretty(&Pending { engine, homes })?)?;
    fs::rename(&new, &path).with_context(|| format!("cannot write {}", path.display()))
}

/// Forgets both locations: the upgrade is confirmed or taken back.
pub fn forget(project: &Project) -> anyhow::Result<()> {
    fs::remove_file(path(project)).context("cannot remove what is known of the upgrade")
}

/// The engine of an upgrade that waits to be confirmed, and its home that is not the current one.
pub fn other(project: &Project) -> anyhow::Result<Option<(EngineKind, ClusterLocation)>> {
    let Ok(text) = fs::read(path(project)) else { return Ok(None) };
    let Pending { engine, homes } = serde_json::from_slice(&text)?;
    let settings = project.settings()?;
    let is_current = |home: &ClusterLocation| match engine {
        EngineKind::Docker => settings.postgres_volume() == home.value(1),
        EngineKind::Local => settings.cluster() == home.value(1),
    };
    match homes {
        [old, new] if is_current(&new) => Ok(Some((engine, old))),
        [old, new] if is_current(&old) => Ok(Some((engine, new))),
        [old, new] => bail!(
            "the data is in neither {} nor {}, as .slipway/upgrade.json has it: set .env back",
            old.place(engine),
            new.place(engine)
        ),
    }
}

fn path(project: &Project) -> PathBuf {
    project.runtime("upgrade.json")
}
