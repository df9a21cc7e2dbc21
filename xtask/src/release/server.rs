//! The engine that runs the production stack, and what it is asked.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::bail;

use super::image::Images;
use crate::{process, project::Project, settings::Settings, state::State};

const FILE: &str = "docker/compose.production.yaml";

/// The engine that runs the production stack.
pub(crate) struct Server<'a> {
    pub(crate) root: &'a Path,
    pub(crate) settings: &'a Settings,
    /// As DOCKER_HOST has it; none is this machine's engine.
    pub(crate) host: Option<String>,
    /// Where nginx listens: address, HTTP, HTTPS.
    pub(crate) address: &'static str,
    pub(crate) plain_port: u16,
    pub(crate) tls_port: u16,
}

/// Which server a command is about.
#[derive(clap::Args)]
pub(crate) struct Host {
    /// The server, as ssh://user@server; the default is DEPLOY_HOST, else this machine
    #[arg(long)]
    host: Option<String>,
}

impl Host {
    /// The server that is meant: what `up --production` runs here, if that is up and no other is named.
    pub(crate) fn server<'a>(
        &self,
        project: &'a Project,
        settings: &'a Settings,
    ) -> anyhow::Result<Server<'a>> {
        let server = Server::of_deploy(project, settings, self.host.as_deref())?;
        match State::load(project) {
            Some(state) if server.host.is_none() && state.production => {
                Ok(Server::of_this_machine(project, settings, state.api_port))
            }
            _ => Ok(server),
        }
    }
}

impl<'a> Server<'a> {
    /// Where `deploy` ships to.
    ///
    /// # Errors
    /// A host that is no `ssh://` URL.
    pub(crate) fn of_deploy(
        project: &'a Project,
        settings: &'a Settings,
        host: Option<&str>,
    ) -> anyhow::Result<Self> {
        let host = host.map(str::to_owned).or_else(|| settings.variable("DEPLOY_HOST"));
        if let Some(host) = &host
            && !host.starts_with("ssh://")
        {
            bail!("{host} is no server: give it as ssh://user@server");
        }
        let (plain_port, tls_port) =
            (settings.http_port.unwrap_or(80), settings.https_port.unwrap_or(443));
        let root = &project.root;
        Ok(Self { root, settings, host, address: "0.0.0.0", plain_port, tls_port })
    }

    /// What `up --production` runs: on this machine, for this machine.
    pub(crate) fn of_this_machine(
        project: &'a Project,
        settings: &'a Settings,
        plain_port: u16,
    ) -> Self {
        let tls_port = settings.tls_port(plain_port);
        let root = &project.root;
        Self { root, settings, host: None, address: "127.0.0.1", plain_port, tls_port }
    }

    pub(crate) fn name(&self) -> &str {
        &self.settings.project
    }

    /// The server, for people.
    pub(crate) fn place(&self) -> &str {
        self.host.as_deref().unwrap_or("this machine")
    }

    pub(crate) fn docker<T: AsRef<std::ffi::OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = T>,
    ) -> Command {
        let mut command = Command::new("docker");
        if let Some(host) = &self.host {
            command.env("DOCKER_HOST", host);
        }
        command.args(arguments);
        command
    }

    /// Every call of Compose for the production stack: project, file and environment are set here.
    pub(crate) fn compose(&self, images: &Images, arguments: &[&str]) -> Command {
        let mut command = self.docker(["compose", "--project-directory"]);
        command
            .args([self.root, "--file".as_ref(), &self.root.join(FILE)])
            .args(arguments)
            .env("COMPOSE_PROJECT_NAME", self.name())
            .env("COMPOSE_COMPATIBILITY", "false")
            .env("API_IMAGE", &images.api)
            .env("PROXY_IMAGE", &images.proxy)
            .env("BACKUP_IMAGE", &images.backup)
            .env("BACKUP_FOLDER", self.backup_folder())
            .env("PUBLISH_ON", self.address)
            .env("HTTP_PORT", self.plain_port.to_string())
            .env("HTTPS_PORT", self.tls_port.to_string())
            .env("SECRETS_FOLDER", self.secrets_folder())
            .stdin(Stdio::null());
        command
    }

    /// The folder on the server with a file for each secret.
    pub(crate) fn secrets_folder(&self) -> PathBuf {
        match self.host {
            None => self.root.join(".slipway/secrets"),
            Some(_) => PathBuf::from(format!("/var/lib/{}/secrets", self.name())),
        }
    }

    /// The folder on the server that backups go to.
    pub(crate) fn backup_folder(&self) -> PathBuf {
        match (&self.host, self.settings.variable("BACKUP_FOLDER")) {
            (None, folder) => self.root.join(folder.as_deref().unwrap_or("backups")),
            (Some(_), _) => PathBuf::from(format!("/var/lib/{}/backups", self.name())),
        }
    }

    /// The running container of a service that has one.
    pub(crate) fn container(&self, service: &str) -> anyhow::Result<Option<String>> {
        let found = process::ask(self.docker(["ps", "--quiet"]).args(self.filters(service)))?;
        Ok(found.lines().next().map(str::to_owned))
    }

    /// The options of `docker ps` that leave the containers of a service.
    pub(crate) fn filters(&self, service: &str) -> [String; 6] {
        let label = |label: &str, value: &str| format!("label=com.docker.compose.{label}={value}");
        let filter = || "--filter".to_owned();
        [
            filter(),
            label("project", self.name()),
            filter(),
            label("service", service),
            filter(),
            label("oneoff", "False"),
        ]
    }

    /// Starts the database and waits until it answers.
    pub(crate) fn start_database(&self, images: &Images) -> anyhow::Result<()> {
        let start = ["up", "--detach", "--no-deps", "--wait", "--wait-timeout", "60", "postgres"];
        process::ask(&mut self.compose(images, &start))?;
        Ok(())
    }

    /// Has backups be made by the clock.
    pub(crate) fn start_backups(&self, images: &Images) -> anyhow::Result<()> {
        process::ask(&mut self.compose(images, &["up", "--detach", "--no-deps", "backup"]))?;
        Ok(())
    }

    /// The migration tool of a release, which depends on no running replica.
    pub(crate) fn migrate(&self, images: &Images, arguments: &[&str]) -> Command {
        self.run_once(images, "migrate", arguments)
    }

    /// `docker/backup/backup.sh` with these arguments.
    pub(crate) fn backup(&self, images: &Images, arguments: &[&str]) -> Command {
        self.run_once(images, "backup", arguments)
    }

    fn run_once(&self, images: &Images, service: &str, arguments: &[&str]) -> Command {
        let mut command = self.compose(images, &["run", "--rm", "--no-deps", "--no-TTY", service]);
        command.args(arguments);
        command
    }
}
