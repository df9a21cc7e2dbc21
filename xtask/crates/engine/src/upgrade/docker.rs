//! Upgrades with Docker: the location of the data is an image and a volume.

use std::{
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};

use super::location::{ClusterLocation, LOG_LINES, Server};
use crate::{docker::Docker, postgres::container_program};
use context::{image_name, process, project::Project, settings::Settings, state::State};
use deploy::database_volume;

const TIMEOUT: Duration = Duration::from_mins(2);

pub(super) fn current(settings: &Settings, major: u32) -> ClusterLocation {
    location(settings.postgres_image.clone(), settings.postgres_volume(), major)
}

/// Returns the location for `to`, which is an image or a major version.
pub(super) fn next(settings: &Settings, to: Option<&str>) -> anyhow::Result<ClusterLocation> {
    let to = to.context("--to is missing. Pass an image or a major version, such as --to 18.")?;
    let image = if to.parse::<u32>().is_ok() {
        format!("{}:{to}", image_name::repository(&settings.postgres_image))
    } else {
        to.to_owned()
    };
    let major = database_volume::major(Command::new("docker"), &image)?;
    Ok(location(image, format!("{}_postgres-{major}", settings.project), major))
}

fn location(image: String, volume: String, major: u32) -> ClusterLocation {
    ClusterLocation::new(("POSTGRES_IMAGE", image), ("POSTGRES_VOLUME", volume), major)
}

/// Starts the new server in a container without published ports.
pub(super) fn start(
    project: &Project,
    location: &ClusterLocation,
) -> anyhow::Result<Box<dyn Server>> {
    let (settings, state) = (project.settings()?, State::load(project));
    let state = state.context("no stack is running. Run cargo xtask up.")?;
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
    run.envs(location.variables.iter().map(|(name, value)| (name, value)));
    process::output(&mut run).context("the new server does not start")?;
    let server = Container { name: container, user };
    let started = Instant::now();
    while docker(&["exec", &server.name, "pg_isready", "--quiet", "--host=127.0.0.1"]).is_err() {
        let runs = docker(&["inspect", "--format={{.State.Running}}", &server.name]);
        if started.elapsed() > TIMEOUT || !runs.is_ok_and(|runs| runs == "true") {
            bail!("the server of {} does not start: {}", location.value(0), server.log());
        }
        thread::sleep(Duration::from_millis(200));
    }
    Ok(Box::new(server))
}

pub(super) fn remove(settings: &Settings, location: &ClusterLocation) -> anyhow::Result<()> {
    // Removes the container that an earlier, killed upgrade may have left.
    let container = container(settings);
    if docker(&["inspect", &container]).is_ok() {
        docker(&["rm", "--force", "--volumes", &container])?;
    }
    if docker(&["volume", "inspect", location.value(1)]).is_ok() {
        // This command fails if a stopped container of the stack still uses the volume.
        docker(&["volume", "rm", location.value(1)])?;
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
        container_program(Command::new("docker"), &self.name, &self.user, name)
    }

    fn log(&self) -> String {
        let mut logs = Command::new("docker");
        logs.args(["logs", "--tail", &LOG_LINES.to_string(), &self.name]);
        // PostgreSQL writes its log to stderr.
        let log = logs.output().map(|output| output.stderr).unwrap_or_default();
        String::from_utf8_lossy(&log).trim().to_owned()
    }

    fn discard(&self) {
        // Errors are ignored, because the container may have ended already.
        let _ = docker(&["kill", &self.name]);
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // Stopping lets the server write a checkpoint. Errors are ignored, because the next upgrade reports them.
        let _ = docker(&["stop", "--time", "60", &self.name]);
        // Removes the container here, because `docker run --rm` would delete the log of a server that does not start.
        let _ = docker(&["rm", "--force", "--volumes", &self.name]);
    }
}

fn docker(arguments: &[&str]) -> anyhow::Result<String> {
    process::output(Command::new("docker").args(arguments))
}
