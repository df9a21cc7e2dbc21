//! The Docker engine that runs the production stack, on this machine or a server.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::bail;

use context::{process, project::Project, settings::Settings, urls::host_of};

use crate::{image::Images, platform::Platform};

const FILES: [&str; 2] = ["docker/compose.production.yaml", "docker/compose.redis.yaml"];
/// The file that connects the backup service to BACKUP_TARGET.
const OFFSITE: &str = "docker/compose.offsite.yaml";
/// The file with the service that gets the certificate for ACME_DOMAIN.
const CERTIFICATES: &str = "docker/compose.certificates.yaml";
/// The file that archives the write-ahead log.
const ARCHIVE: &str = "docker/compose.continuous.yaml";
/// The service and host name of the Redis in the production stack.
const REDIS: &str = "redis";
/// The address of a stack that only this machine can reach.
const LOOPBACK: &str = "127.0.0.1";
/// The number of log lines that are shown for each container.
const LINES: &str = "200";

/// A Docker engine for the production stack.
#[derive(Clone)]
pub struct Server<'a> {
    pub(crate) root: &'a Path,
    /// The settings of the checkout.
    pub settings: &'a Settings,
    /// The value for DOCKER_HOST, or `None` for this machine's engine.
    pub(crate) host: Option<String>,
    /// The address at which nginx listens.
    pub(crate) address: &'static str,
    pub(crate) plain_port: u16,
    pub(crate) tls_port: u16,
}

impl<'a> Server<'a> {
    /// Returns the target of `deploy`.
    ///
    /// # Errors
    /// The host is not an `ssh://` URL.
    pub fn of_deploy(
        project: &'a Project,
        settings: &'a Settings,
        host: Option<String>,
    ) -> anyhow::Result<Self> {
        if let Some(host) = &host
            && !host.starts_with("ssh://")
        {
            bail!("invalid host {host}: expected ssh://user@server");
        }
        let (plain_port, tls_port) =
            (settings.http_port.unwrap_or(80), settings.https_port.unwrap_or(443));
        let root = &project.root;
        Ok(Self { root, settings, host, address: "0.0.0.0", plain_port, tls_port })
    }

    /// Returns the target of `up --production`: this machine, reachable only from this machine.
    pub fn of_this_machine(project: &'a Project, settings: &'a Settings, plain_port: u16) -> Self {
        let tls_port = settings.tls_port(plain_port);
        let root = &project.root;
        Self { root, settings, host: None, address: LOOPBACK, plain_port, tls_port }
    }

    /// Returns the name of the Compose project.
    pub fn name(&self) -> &str {
        &self.settings.project
    }

    /// Returns whether the server is another machine.
    pub fn is_remote(&self) -> bool {
        self.host.is_some()
    }

    /// Returns the server's name for messages.
    pub fn place(&self) -> &str {
        self.host.as_deref().unwrap_or("this machine")
    }

    /// Returns a Docker command for the server's engine.
    pub fn docker<T: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = T>) -> Command {
        let mut command = Command::new("docker");
        if let Some(host) = &self.host {
            command.env("DOCKER_HOST", host);
        }
        command.args(arguments);
        command
    }

    /// Returns the URL of the API on the server.
    pub fn url(&self) -> String {
        let host = self.host.as_deref().map_or("localhost", host_of);
        match self.tls_port {
            443 => format!("https://{host}"),
            port => format!("https://{host}:{port}"),
        }
    }

    /// Returns the platform of the server's engine.
    pub fn platform(&self) -> anyhow::Result<Platform> {
        Platform::of_engine(self.docker::<&str>([]))
    }

    /// Returns a Compose command for the production stack, with its project, files and environment.
    pub fn compose(&self, images: &Images, arguments: &[&str]) -> Command {
        let mut command = self.docker(["compose", "--project-directory"]);
        command.arg(self.root);
        let offsite = self.settings.variable("BACKUP_TARGET").map(|_| OFFSITE);
        let certificates = self.gets_certificate().then_some(CERTIFICATES);
        let archive = self.settings.archives.then_some(ARCHIVE);
        for file in FILES.into_iter().chain(offsite).chain(certificates).chain(archive) {
            command.arg("--file").arg(self.root.join(file));
        }
        command
            .args(arguments)
            .envs(self.environment())
            .env("API_IMAGE", &images.api)
            .env("PROXY_IMAGE", &images.proxy)
            .env("BACKUP_IMAGE", &images.backup)
            .env("POSTGRES_IMAGE", &images.postgres)
            .stdin(Stdio::null());
        command
    }

    /// Returns the environment of Compose on this server, without the images of the release.
    pub fn environment(&self) -> Vec<(&'static str, OsString)> {
        let mut environment = vec![
            ("COMPOSE_PROJECT_NAME", self.name().into()),
            // With compatibility mode, Compose would use other container names.
            ("COMPOSE_COMPATIBILITY", "false".into()),
            ("BACKUP_FOLDER", self.backup_folder().into()),
            ("PUBLISH_ON", self.address.into()),
            ("HTTP_PORT", self.plain_port.to_string().into()),
            ("HTTPS_PORT", self.tls_port.to_string().into()),
            ("SECRETS_FOLDER", self.secrets_folder().into()),
        ];
        environment.extend(self.host.as_ref().map(|host| ("DOCKER_HOST", host.into())));
        environment
    }

    /// Returns the folder on the server with one file per secret.
    pub fn secrets_folder(&self) -> PathBuf {
        match self.host {
            None => self.root.join(".slipway/secrets"),
            Some(_) => PathBuf::from(format!("/var/lib/{}/secrets", self.name())),
        }
    }

    /// Returns the backup folder on the server. A relative BACKUP_FOLDER is below the checkout, or below
    /// `/var/lib/<project>` on a remote server, which is a Linux machine.
    pub fn backup_folder(&self) -> PathBuf {
        let folder = self.settings.variable("BACKUP_FOLDER");
        let folder = folder.as_deref().unwrap_or("backups").trim_start_matches("./");
        match self.host {
            None => self.root.join(folder),
            Some(_) if folder.starts_with('/') => PathBuf::from(folder),
            Some(_) => PathBuf::from(format!("/var/lib/{}/{folder}", self.name())),
        }
    }

    /// Returns a running container of a service.
    pub fn container(&self, service: &str) -> anyhow::Result<Option<String>> {
        Ok(self.containers(service, &["running"])?.into_iter().next())
    }

    /// Returns the containers of a service in these states. A container that crashes repeatedly is `restarting`.
    pub fn containers(&self, service: &str, states: &[&str]) -> anyhow::Result<Vec<String>> {
        let mut ps = self.docker(["ps", "--quiet"]);
        ps.args(self.filters(Some(service)));
        ps.args(states.iter().map(|state| format!("--filter=status={state}")));
        Ok(process::output(&mut ps)?.lines().map(str::to_owned).collect())
    }

    /// Returns the options of `docker ps` that select the containers of one service or of all services.
    pub fn filters(&self, service: Option<&str>) -> Vec<String> {
        let labels =
            [("project", Some(self.name())), ("oneoff", Some("False")), ("service", service)];
        let filter = |(label, value): (&str, Option<&str>)| {
            Some(format!("--filter=label=com.docker.compose.{label}={}", value?))
        };
        labels.into_iter().filter_map(filter).collect()
    }

    /// Returns a command that shows the logs of one service or of all services.
    ///
    /// # Errors
    /// The service does not exist.
    pub fn logs(
        &self,
        images: &Images,
        service: Option<&str>,
        follow: bool,
    ) -> anyhow::Result<Command> {
        // Checks the service first, because Compose succeeds without output if the service does not exist.
        let mut ps = self.docker(["ps", "--all", "--quiet"]);
        if process::output(ps.args(self.filters(service)))?.is_empty() {
            bail!(
                "{} does not have a container of {}",
                self.place(),
                service.unwrap_or("any service")
            );
        }
        let mut command = self.compose(images, &["logs", "--tail", LINES]);
        command.args(follow.then_some("--follow")).args(service);
        Ok(command)
    }

    /// Starts the database and waits until it accepts connections.
    pub fn start_database(&self, images: &Images) -> anyhow::Result<()> {
        let start = ["up", "--detach", "--no-deps", "--wait", "--wait-timeout", "60", "postgres"];
        process::output(&mut self.compose(images, &start))?;
        Ok(())
    }

    /// Returns the image of the stack's Redis if `REDIS_URL` refers to it.
    pub fn redis_image(&self) -> Option<&str> {
        let is_ours = host_of(&self.settings.variable("REDIS_URL")?) == REDIS;
        is_ours.then_some(self.settings.redis_image.as_str())
    }

    /// Starts the stack's Redis if `REDIS_URL` refers to it. Does not wait until Redis is ready.
    pub fn start_redis(&self, images: &Images) -> anyhow::Result<()> {
        if self.redis_image().is_some() {
            self.start(images, REDIS)?;
        }
        Ok(())
    }

    /// Returns whether an authority issues the certificate. No authority can reach a stack that only this machine can
    /// reach.
    pub fn gets_certificate(&self) -> bool {
        self.address != LOOPBACK && self.settings.variable("ACME_DOMAIN").is_some()
    }

    /// Starts a service, and does not wait until it is ready.
    pub fn start(&self, images: &Images, service: &str) -> anyhow::Result<()> {
        process::output(&mut self.compose(images, &["up", "--detach", "--no-deps", service]))?;
        Ok(())
    }

    /// Returns a command that runs the migration tool of a release in a new container.
    pub fn migrate(&self, images: &Images, arguments: &[&str]) -> Command {
        self.run_once(images, &[], "migrate", arguments)
    }

    /// Returns a command that runs `docker/backup/backup.sh` with these arguments.
    pub fn backup(&self, images: &Images, arguments: &[&str]) -> Command {
        self.run_once(images, &[], "backup", arguments)
    }

    /// Returns a command that runs a service once in a new container. `options` are for `docker compose run`.
    pub(super) fn run_once(
        &self,
        images: &Images,
        options: &[String],
        service: &str,
        arguments: &[&str],
    ) -> Command {
        let mut command = self.compose(images, &["run", "--rm", "--no-deps", "--no-TTY"]);
        command.args(options).arg(service).args(arguments);
        command
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn backup_folder_applies_to_this_machine_and_to_remote_servers() {
        let root = tempfile::tempdir().expect("a folder");
        let folder = |value: &str, host: Option<&str>| {
            let env = format!("COMPOSE_PROJECT_NAME=app\nBACKUP_FOLDER={value}\n");
            fs::write(root.path().join(".env"), env).expect("a file");
            let settings = Settings::load(root.path()).expect("settings");
            let (root, host) = (root.path(), host.map(str::to_owned));
            let server =
                Server { root, settings: &settings, host, address: "", plain_port: 1, tls_port: 2 };
            server.backup_folder()
        };
        let host = Some("ssh://you@server");
        for (value, here, there) in [
            ("", root.path().join("backups"), "/var/lib/app/backups"),
            ("./copies", root.path().join("copies"), "/var/lib/app/copies"),
            ("/mnt/disk", PathBuf::from("/mnt/disk"), "/mnt/disk"),
        ] {
            assert_eq!(folder(value, None), here, "{value}");
            assert_eq!(folder(value, host), Path::new(there), "{value}");
        }
    }
}
