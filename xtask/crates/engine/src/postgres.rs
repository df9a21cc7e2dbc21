//! Finds PostgreSQL on this machine and calls its programs, on this machine or in a container.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use context::{project::Project, settings::Settings};
use local_postgres::{Cluster, Credentials, Installation, Status};

/// Finds PostgreSQL on this machine: in PG_BIN of the shell or `.env`, in PATH, or in the usual folders.
pub fn find_postgres(settings: &Settings) -> Result<Installation, local_postgres::Error> {
    Installation::find(&|name| match name {
        "PG_BIN" => settings.variable(name).map(Into::into),
        _ => std::env::var_os(name),
    })
}

/// Works like [`find_postgres`], but prefers the major version `major` if PG_BIN is not set.
pub fn find_postgres_for(
    settings: &Settings,
    major: Option<u32>,
) -> Result<Installation, local_postgres::Error> {
    let found = find_postgres(settings)?;
    let wanted = major.filter(|major| *major != found.version().0);
    let (Some(major), None) = (wanted, settings.variable("PG_BIN")) else { return Ok(found) };
    let mut all = Installation::all(&|name| std::env::var_os(name)).into_iter();
    Ok(all.find(|other| other.version().0 == major).unwrap_or(found))
}

/// Works like [`find_postgres`], but prefers the major version of the cluster in `folder`, which others cannot read.
pub fn find_postgres_of(
    settings: &Settings,
    folder: &Path,
) -> Result<Installation, local_postgres::Error> {
    let found = find_postgres(settings)?;
    let major = Cluster::open(&found, folder)?.major()?;
    find_postgres_for(settings, major)
}

/// Returns the cluster of this checkout. None if it does not exist, or if PostgreSQL is not installed.
///
/// # Errors
/// The cluster exists, but the server's user can no longer reach it.
pub fn existing_cluster(project: &Project) -> anyhow::Result<Option<Cluster>> {
    let settings = project.settings()?;
    let folder = project.runtime(&settings.cluster());
    let installation = match find_postgres_of(&settings, &folder) {
        Err(local_postgres::Error::NotFound { .. }) => return Ok(None),
        found => found?,
    };
    let cluster = Cluster::open(&installation, &folder)?;
    Ok((cluster.status()? != Status::Absent).then_some(cluster))
}

/// Returns a PostgreSQL program, connected to the server on `port` of this machine.
pub(crate) fn local_program(program: PathBuf, port: u16, login: &Credentials<'_>) -> Command {
    let mut command = local_postgres::program(program);
    command
        .envs([("PGHOST", "127.0.0.1"), ("PGUSER", login.user)])
        .env("PGPORT", port.to_string())
        // All users of this machine can see arguments, so the password must not be an argument.
        .env("PGPASSWORD", login.password);
    command
}

/// Returns a PostgreSQL program in a container, connected to its server as `user`.
pub fn container_program(mut docker: Command, container: &str, user: &str, name: &str) -> Command {
    docker.args(["exec", "--interactive", "--env", &format!("PGUSER={user}"), container, name]);
    docker
}
