//! Homes on this machine: a folder of programs, and a cluster in `.slipway`.

use std::process::Command;

use anyhow::{Context, bail};
use local_postgres::{Cluster, Credentials, Installation, Stop, free_port};

use super::{Home, Server};
use crate::{
    engine::{choose, connected},
    project::Project,
    settings::Settings,
};

pub(super) fn current(settings: &Settings, major: u32) -> anyhow::Result<Home> {
    let installation = choose::find_postgres_for(settings, Some(major))?;
    Ok(home(&installation, settings.cluster()))
}

/// `to` is a major version; without it, the newest that is installed.
pub(super) fn next(to: Option<&str>) -> anyhow::Result<Home> {
    let all = Installation::all(&|name| std::env::var_os(name));
    let majors: Vec<_> = all.iter().map(|found| found.version().0.to_string()).collect();
    let found = match to {
        Some(to) => all.iter().find(|found| found.version().0.to_string() == to),
        None => all.last(),
    };
    let Some(installation) = found else {
        bail!(
            "PostgreSQL {} is not installed here, only {}: install it",
            to.unwrap_or_default(),
            majors.join(" and ")
        );
    };
    Ok(home(installation, format!("postgres-{}", installation.version().0)))
}

fn home(installation: &Installation, cluster: String) -> Home {
    let bin = installation.bin().display().to_string();
    Home::new(("PG_BIN", bin), ("PG_CLUSTER", cluster), installation.version().0)
}

/// On a port that nobody knows.
pub(super) fn start(project: &Project, home: &Home) -> anyhow::Result<Box<dyn Server>> {
    let Settings { user, password, .. } = project.settings()?;
    let (installation, cluster) = open(project, home)?;
    let settings = [("timezone", "UTC"), ("log_timezone", "UTC")];
    cluster.init(&Credentials { user: &user, password: &password }, &settings)?;
    let port = cluster.start(free_port(None).context("there is no free port")?)?.port;
    Ok(Box::new(Started { installation, cluster, port, user, password }))
}

pub(super) fn remove(project: &Project, home: &Home) -> anyhow::Result<()> {
    open(project, home)?.1.remove()?;
    Ok(())
}

fn open(project: &Project, home: &Home) -> anyhow::Result<(Installation, Cluster)> {
    let bin = home.value(0);
    let installation = Installation::find(&|name| (name == "PG_BIN").then(|| bin.into()))?;
    let cluster = Cluster::open(&installation, &project.runtime(home.value(1)))?;
    Ok((installation, cluster))
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
        let who = Credentials { user: &self.user, password: &self.password };
        connected(self.installation.program(name), self.port, &who)
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // Where it does not stop, the next start finds it running.
        let _ = self.cluster.stop(Stop::Fast);
    }
}
