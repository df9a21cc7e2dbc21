//! Finds PostgreSQL on this machine, and calls its programs here or in a container.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use context::{project::Project, settings::Settings};
use local_postgres::{Cluster, Credentials, Installation, Status};

/// The PostgreSQL of this machine, by PG_BIN of shell or `.env`, PATH and the usual places.
pub fn find_postgres(settings: &Settings) -> Result<Installation, local_postgres::Error> {
    Installation::find(&|name| match name {
        "PG_BIN" => settings.variable(name).map(Into::into),
        _ => std::env::var_os(name),
    })
}

/// The same, but for the major version, unless PG_BIN decides.
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

/// The one that made the cluster in `folder`, if it is there: a newer one could not read it.
pub fn find_postgres_of(
    settings: &Settings,
    folder: &Path,
) -> Result<Installation, local_postgres::Error> {
    let found = find_postgres(settings)?;
    let made_by = Cluster::open(&found, folder)?.major()?;
    find_postgres_for(settings, made_by)
}

/// Returns the cluster of this checkout, if there is one.
pub fn existing_cluster(project: &Project) -> Option<Cluster> {
    let settings = project.settings().ok()?;
    let folder = project.runtime(&settings.cluster());
    let installation = find_postgres_of(&settings, &folder).ok()?;
    let cluster = Cluster::open(&installation, &folder).ok()?;
    (cluster.status().ok()? != Status::Absent).then_some(cluster)
}

/// One of PostgreSQL's programs, for the server on this port of this machine.
pub(crate) fn local_program(program: PathBuf, port: u16, who: &Credentials<'_>) -> Command {
    let mut command = Command::new(program);
    command
        .envs([("PGHOST", "127.0.0.1"), ("PGUSER", who.user)])
        .env("PGPORT", port.to_string())
        // Not in the arguments, which every user of this machine can see.
        .env("PGPASSWORD", who.password);
    command
}

/// One of PostgreSQL's programs in a container, as this user of the server there.
pub(crate) fn container_program(container: &str, user: &str, name: &str) -> Command {
    let mut command = Command::new("docker");
    command.args(["exec", "--interactive", "--env", &format!("PGUSER={user}"), container, name]);
    command
}
