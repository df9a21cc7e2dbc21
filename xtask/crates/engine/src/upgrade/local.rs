//! Upgrades on this machine: the location is a folder of programs and a cluster in `.slipway`.

use std::process::Command;

use anyhow::Context;
use local_postgres::{Cluster, Credentials, Installation, Stop, free_port};

use super::location::{ClusterLocation, LOG_LINES, Server};
use crate::{log_file, postgres};
use context::{project::Project, settings::Settings};

pub(super) fn current(settings: &Settings, major: u32) -> anyhow::Result<ClusterLocation> {
    let installation = postgres::find_postgres_for(settings, Some(major))?;
    Ok(location(&installation, settings.cluster()))
}

/// Returns the location for `to`, a major version or a folder of programs. The default is the newest installed version.
pub(super) fn next(to: Option<&str>) -> anyhow::Result<ClusterLocation> {
    let installation = match to {
        Some(folder) if folder.parse::<u32>().is_err() => at(folder)?,
        _ => installed(to)?,
    };
    Ok(location(&installation, format!("postgres-{}", installation.version().0)))
}

fn installed(to: Option<&str>) -> anyhow::Result<Installation> {
    let mut all = Installation::all(&|name| std::env::var_os(name));
    let majors: Vec<_> = all.iter().map(|found| found.version().0.to_string()).collect();
    let found = match to {
        Some(to) => majors.iter().position(|major| major == to).map(|index| all.remove(index)),
        None => all.pop(),
    };
    found.with_context(|| {
        format!(
            "PostgreSQL {} was not found in the usual folders (found: {}). Install it, or pass the folder of its \
             programs with --to",
            to.unwrap_or_default(),
            if majors.is_empty() { "no version".to_owned() } else { majors.join(" and ") }
        )
    })
}

fn at(bin: &str) -> anyhow::Result<Installation> {
    Ok(Installation::find(&|name| (name == "PG_BIN").then(|| bin.into()))?)
}

fn location(installation: &Installation, cluster: String) -> ClusterLocation {
    let bin = installation.bin().display().to_string();
    ClusterLocation::new(("PG_BIN", bin), ("PG_CLUSTER", cluster), installation.version().0)
}

/// Starts the new server on a random port.
pub(super) fn start(
    project: &Project,
    location: &ClusterLocation,
) -> anyhow::Result<Box<dyn Server>> {
    let Settings { user, password, .. } = project.settings()?;
    let installation = at(location.value(0))?;
    let cluster = Cluster::open(&installation, &project.runtime(location.value(1)))?;
    let settings = [("timezone", "UTC"), ("log_timezone", "UTC")];
    cluster.init(&Credentials { user: &user, password: &password }, &settings)?;
    let port = cluster.start(free_port(None).context("there is no free port")?)?.port;
    Ok(Box::new(Started { installation, cluster, port, user, password }))
}

pub(super) fn remove(project: &Project, location: &ClusterLocation) -> anyhow::Result<()> {
    // If the programs that created the cluster were uninstalled, programs of another version can remove the cluster.
    let settings = project.settings()?;
    let installation = at(location.value(0)).or_else(|_| postgres::find_postgres(&settings))?;
    Cluster::open(&installation, &project.runtime(location.value(1)))?.remove()?;
    Ok(())
}

struct Started {
    installation: Installation,
    cluster: Cluster,
    port: u16,
    user: String,
    password: String,
}

impl Server for Started {
    fn program(&self, name: &str) -> Command {
        let login = Credentials { user: &self.user, password: &self.password };
        postgres::local_program(self.installation.program(name), self.port, &login)
    }

    fn log(&self) -> String {
        log_file::tail(&self.cluster.log(), LOG_LINES)
    }

    fn discard(&self) {
        // Errors are ignored. If the server does not stop, removing the cluster reports an error.
        let _ = self.cluster.stop(Stop::Immediate);
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // Errors are ignored. If the server does not stop, the next start finds the running server.
        let _ = self.cluster.stop(Stop::Fast);
    }
}
