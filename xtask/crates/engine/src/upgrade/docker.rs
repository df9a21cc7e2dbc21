//! Data of containers: an image and a volume.

use std::{
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};

use super::location::{ClusterLocation, LOG_LINES, Server};
use crate::{docker::Docker, postgres::container_program};
use context::{process, project::Project, settings::Settings, state::State};

const TIMEOUT: Duration = Duration::from_mins(2);

pub(super) fn current(settings: &Settings, major: u32) -> ClusterLocation {
    home(settings.postgres_image.clone(), settings.postgres_volume(), major)
}

/// `to` is an image, or the tag of one; without it there is no telling which are to be had.
pub(super) fn next(settings: &Settings, to: Option<&str>) -> anyhow::Result<ClusterLocation> {
    let to = to.context("name the image or the major version: --to 18")?;
    let image = if to.parse::<u32>().is_ok() {
        let name = &settings.postgres_image;
        format!("{}:{to}", name.rsplit_once(':').map_or(name.as_str(), |(name, _)| name))
    } else {
        to.to_owned()
    };
    let said = docker(&["run", "--rm", "--entrypoint=postgres", &image, "--version"])?;
    let version = said.split_whitespace().nth(2).and_then(|version| version.split('.').next());
    let major = version.and_then(|major| major.parse().ok());
    let major = major.with_context(|| format!("{image} does not tell its version: {said}"))?;
    Ok(home(image, format!("{}_postgres-{major}", settings.project), major))
}

fn home(image: String, volume: String, major: u32) -> ClusterLocation {
    ClusterLocation::new(("POSTGRES_IMAGE", image), ("POSTGRES_VOLUME", volume), major)
}

/// Beside the stack's own server, and reached by nobody else: nothing of it is published.
pub(super) fn start(project: &Project, home: &ClusterLocation) -> anyhow::Result<Box<dyn Server>> {
    let (settings, state) = (project.settings()?, State::load(project));
    let state = state.context("nothing is up")?;
    let user = settings.user.clone();
    let container = container(&settings);
    let mut run = Docker::new(project, settings, &state).command([
        "run",
        "--detach",
        "--no-deps",
        "--name",
        &container,
        "postgres",
    ]);
    run.envs(home.variables.iter().map(|(name, value)| (name, value)));
    process::output(&mut run).context("the new server does not start")?;
    let server = Container { name: container, user };
    let started = Instant::now();
    while docker(&["exec", &server.name, "pg_isready", "--quiet", "--host=127.0.0.1"]).is_err() {
        let runs = docker(&["inspect", "--format={{.State.Running}}", &server.name]);
        if started.elapsed() > TIMEOUT || !runs.is_ok_and(|runs| runs == "true") {
            bail!("the new server does not start: {}: {}", home.value(0), server.log());
        }
        thread::sleep(Duration::from_millis(200));
    }
    Ok(Box::new(server))
}

pub(super) fn remove(settings: &Settings, home: &ClusterLocation) -> anyhow::Result<()> {
    // Of an upgrade that was killed.
    let container = container(settings);
    if docker(&["inspect", &container]).is_ok() {
        docker(&["rm", "--force", "--volumes", &container])?;
    }
    if docker(&["volume", "inspect", home.value(1)]).is_ok() {
        // A container of the stack that has stopped still holds it.
        docker(&["volume", "rm", home.value(1)])?;
    }
    Ok(())
}

fn container(settings: &Settings) -> String {
    format!("{}-postgres-upgrade", settings.project)
}

struct Container {
    name: String,
    user: String,
}

impl Server for Container {
    fn program(&self, name: &str) -> Command {
        container_program(&self.name, &self.user, name)
    }

    fn log(&self) -> String {
        let mut logs = Command::new("docker");
        logs.args(["logs", "--tail", &LOG_LINES.to_string(), &self.name]);
        // PostgreSQL writes to standard error.
        let said = logs.output().map(|output| output.stderr).unwrap_or_default();
        String::from_utf8_lossy(&said).trim().to_owned()
    }

    fn discard(&self) {
        // It may have ended by itself.
        let _ = docker(&["kill", &self.name]);
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // It writes a checkpoint; where it does not stop, the next upgrade says so.
        let _ = docker(&["stop", "--time", "60", &self.name]);
        // Not by `run --rm`: what one that does not start has said would be gone with it.
        let _ = docker(&["rm", "--force", "--volumes", &self.name]);
    }
}

fn docker(arguments: &[&str]) -> anyhow::Result<String> {
    process::output(Command::new("docker").args(arguments))
}
