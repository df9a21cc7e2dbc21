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
use deploy::{database_volume, image::Images};

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
    let container =
        Container { server: None, name: container(&settings.project), user: settings.user.clone() };
    let mut run = Docker::new(project, settings, &state).command(container.run());
    container.start(run.envs(location.variables.iter().map(|(name, value)| (name, value))))?;
    Ok(Box::new(container))
}

/// Starts the server of a deployed stack with these images on the volume that the settings select.
pub(super) fn start_deployed<'a>(
    server: &'a deploy::Server,
    images: &Images,
) -> anyhow::Result<Box<dyn Server + 'a>> {
    let container = Container {
        server: Some(server),
        name: container(server.name()),
        user: server.settings.user.clone(),
    };
    container.start(&mut server.compose(images, &container.run()))?;
    Ok(Box::new(container))
}

/// Removes a volume, which must not be in use, on a server or on this machine.
pub(super) fn remove(
    server: Option<&deploy::Server>,
    project: &str,
    volume: &str,
) -> anyhow::Result<()> {
    let docker = |arguments: &[&str]| process::output(docker(server).args(arguments));
    // Removes the container that an earlier, killed upgrade may have left.
    let container = container(project);
    if docker(&["inspect", &container]).is_ok() {
        docker(&["rm", "--force", "--volumes", &container])?;
    }
    if docker(&["volume", "inspect", volume]).is_ok() {
        // This command fails if a stopped container of the stack still uses the volume.
        docker(&["volume", "rm", volume])?;
    }
    Ok(())
}

fn container(project: &str) -> String {
    format!("{project}-postgres-upgrade")
}

/// Returns `docker` for the engine of a server or of this machine.
fn docker(server: Option<&deploy::Server>) -> Command {
    server.map_or_else(|| Command::new("docker"), |server| server.docker::<&str>([]))
}

/// The container of the new server.
struct Container<'a> {
    /// The server of a deployed stack. None for the stack of this checkout.
    server: Option<&'a deploy::Server<'a>>,
    name: String,
    user: String,
}

impl Container<'_> {
    fn docker(&self, arguments: &[&str]) -> anyhow::Result<String> {
        process::output(docker(self.server).args(arguments))
    }

    /// Returns the arguments of Compose that start the container.
    fn run(&self) -> [&str; 6] {
        ["run", "--detach", "--no-deps", "--name", &self.name, "postgres"]
    }

    /// Starts the container with this command, and waits until PostgreSQL accepts connections.
    fn start(&self, run: &mut Command) -> anyhow::Result<()> {
        process::output(run).context("the new server does not start")?;
        let started = Instant::now();
        let ready = ["exec", &self.name, "pg_isready", "--quiet", "--host=127.0.0.1"];
        while self.docker(&ready).is_err() {
            let runs = self.docker(&["inspect", "--format={{.State.Running}}", &self.name]);
            if started.elapsed() > TIMEOUT || !runs.is_ok_and(|runs| runs == "true") {
                bail!("the new server does not start: {}", self.log());
            }
            thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }
}

impl Server for Container<'_> {
    fn program(&self, name: &str) -> Command {
        container_program(docker(self.server), &self.name, &self.user, name)
    }

    fn log(&self) -> String {
        let mut logs = docker(self.server);
        logs.args(["logs", "--tail", &LOG_LINES.to_string(), &self.name]);
        // PostgreSQL writes its log to stderr.
        let log = logs.output().map(|output| output.stderr).unwrap_or_default();
        String::from_utf8_lossy(&log).trim().to_owned()
    }

    fn discard(&self) {
        // Errors are ignored, because the container may have ended already.
        let _ = self.docker(&["kill", &self.name]);
    }
}

impl Drop for Container<'_> {
    fn drop(&mut self) {
        // Stopping lets the server write a checkpoint. Errors are ignored, because the next upgrade reports them.
        let _ = self.docker(&["stop", "--time", "60", &self.name]);
        // Removes the container here, because `docker run --rm` would delete the log of a server that does not start.
        let _ = self.docker(&["rm", "--force", "--volumes", &self.name]);
    }
}
