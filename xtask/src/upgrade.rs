//! Where the data of the stack is and what runs it, and the place that it had before an upgrade.

mod docker;
mod local;

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::{engine::Kind, env_file, project::Project};

/// How far back the log of a server that has failed is read.
const LOG_LINES: usize = 40;

/// What `.env` says of the data's place: its variables and their values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Home {
    /// POSTGRES_IMAGE and POSTGRES_VOLUME, or PG_BIN and PG_CLUSTER.
    variables: Vec<(String, String)>,
    /// The major version of PostgreSQL.
    pub(crate) major: u32,
}

/// A server on the data of a [`Home`], which stops when this is dropped.
pub(crate) trait Server {
    fn program(&self, name: &str) -> Command;

    /// The end of its log, empty where it is gone.
    fn log(&self) -> String;

    /// Ends it without a last checkpoint, for which a full disk may have no room: the data is of no use.
    fn discard(&self);
}

/// An upgrade that was neither confirmed nor taken back: of the two homes, one is that of `.env`.
#[derive(Serialize, Deserialize)]
struct Pending {
    engine: Kind,
    homes: [Home; 2],
}

impl Home {
    fn new(image_or_bin: (&str, String), volume_or_cluster: (&str, String), major: u32) -> Self {
        let variables = [image_or_bin, volume_or_cluster];
        Self { variables: variables.map(|(name, value)| (name.to_owned(), value)).into(), major }
    }

    fn value(&self, index: usize) -> &str {
        &self.variables[index].1
    }

    /// For people.
    pub(crate) fn place(&self, engine: Kind) -> String {
        let what = if engine == Kind::Docker { "volume" } else { ".slipway folder" };
        format!("the {what} {}", self.value(1))
    }

    /// Makes it that of the stack, from its next start on: all of it at once, or nothing.
    pub(crate) fn choose(&self, project: &Project) -> anyhow::Result<()> {
        env_file::create_if_missing(&project.root)?;
        let variables: Vec<_> =
            self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        env_file::set(&project.root, &variables)
    }
}

/// The home of the stack, whose server is of this major version.
pub(crate) fn current(project: &Project, engine: Kind, major: u32) -> anyhow::Result<Home> {
    // Switching is a change of .env, which the shell would win over.
    let names = match engine {
        Kind::Docker => ["POSTGRES_IMAGE", "POSTGRES_VOLUME"],
        Kind::Local => ["PG_BIN", "PG_CLUSTER"],
    };
    for name in names {
        ensure!(
            std::env::var_os(name).is_none(),
            "{name} is set in the shell, which wins over .env: unset it, and put it into .env"
        );
    }
    match engine {
        Kind::Docker => Ok(docker::current(&project.settings()?, major)),
        Kind::Local => local::current(&project.settings()?, major),
    }
}

/// The home that `to` (a major version, an image, a folder) or else the newest version here would have.
pub(crate) fn next(project: &Project, engine: Kind, to: Option<&str>) -> anyhow::Result<Home> {
    match engine {
        Kind::Docker => docker::next(&project.settings()?, to),
        Kind::Local => local::next(to),
    }
}

/// Starts a server on new, empty data in that home; what an earlier attempt left there is removed.
pub(crate) fn start_new(
    project: &Project,
    engine: Kind,
    home: &Home,
) -> anyhow::Result<Box<dyn Server>> {
    remove(project, engine, home)?;
    match engine {
        Kind::Docker => docker::start(project, home),
        Kind::Local => local::start(project, home),
    }
}

/// Removes the data of a home that is not in use.
pub(crate) fn remove(project: &Project, engine: Kind, home: &Home) -> anyhow::Result<()> {
    match engine {
        Kind::Docker => docker::remove(&project.settings()?, home),
        Kind::Local => local::remove(project, home),
    }
}

/// Remembers both homes until [`forget`].
pub(crate) fn remember(project: &Project, engine: Kind, homes: [Home; 2]) -> anyhow::Result<()> {
    let path = path(project);
    let new = path.with_extension("new");
    fs::write(&new, serde_json::to_vec_pretty(&Pending { engine, homes })?)?;
    fs::rename(&new, &path).with_context(|| format!("cannot write {}", path.display()))
}

pub(crate) fn forget(project: &Project) -> anyhow::Result<()> {
    fs::remove_file(path(project)).context("cannot remove what is known of the upgrade")
}

/// The engine of an upgrade that waits to be confirmed, and its home that is not the current one.
pub(crate) fn other(project: &Project) -> anyhow::Result<Option<(Kind, Home)>> {
    let Ok(text) = fs::read(path(project)) else { return Ok(None) };
    let Pending { engine, homes } = serde_json::from_slice(&text)?;
    let settings = project.settings()?;
    let is_current = |home: &Home| match engine {
        Kind::Docker => settings.postgres_volume() == home.value(1),
        Kind::Local => settings.cluster() == home.value(1),
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
