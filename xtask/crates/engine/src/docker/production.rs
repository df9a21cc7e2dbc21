//! The production profile on Docker: releases, replicas and the proxy.

use std::process::Command;

use context::{process, project::Project, settings::Settings};
use deploy::{
    Platform, Server, archive, database_volume,
    history::{Entry, History},
    image::{self, Images},
    rolling_update, schema, secrets,
};

use super::Docker;

impl<'a> Docker<'a> {
    /// Returns the engine of the stack that `deploy` has started on this server.
    pub fn deployed(project: &'a Project, server: Server<'a>) -> anyhow::Result<Self> {
        let settings = project.settings()?;
        let Settings { api_port, postgres_port, .. } = settings;
        Ok(Self {
            project,
            settings,
            production: true,
            api_port,
            postgres_port,
            built: None,
            deployed: Some(server),
        })
    }

    pub(super) fn server(&self) -> Server<'_> {
        self.deployed
            .clone()
            .unwrap_or_else(|| Server::of_this_machine(self.project, &self.settings, self.api_port))
    }

    /// Returns a command that runs in the container of `service`. `docker exec` is faster than `docker compose exec`.
    pub(super) fn in_container(&self, service: &str, interactive: bool) -> Command {
        let mut command = self.server().docker(["exec", "--interactive"]);
        // `--tty` is passed only in a terminal, because `docker exec --tty` fails if the input is a pipe.
        if interactive && process::is_interactive() {
            command.arg("--tty");
        }
        // In development, the service has one container with this name. In production, any replica can be used.
        let first = format!("{}-{service}-1", self.settings.project);
        let replica = self.production.then(|| self.replica(service)).flatten();
        command.arg(replica.unwrap_or(first));
        command
    }

    /// Returns a running container of a service.
    pub(super) fn replica(&self, service: &str) -> Option<String> {
        self.server().container(service).ok().flatten()
    }

    /// Returns the images of the current source.
    fn images_of_the_source(&self) -> anyhow::Result<Images> {
        Images::of(self.project, &self.settings, &image::tag(self.project)?)
    }

    /// Returns the images of the release that this command has built, otherwise of the running release.
    fn images(&self) -> anyhow::Result<Images> {
        if let Some(images) = &self.built {
            return Ok(images.clone());
        }
        match rolling_update::serving(&self.server(), self.project) {
            Ok(serving) => Ok(serving.images),
            Err(error) if self.deployed.is_some() => Err(error),
            Err(_) => self.images_of_the_source(),
        }
    }

    /// Builds a release from the source and creates the secrets.
    pub(super) fn prepare_release(&mut self) -> anyhow::Result<String> {
        let images = self.images_of_the_source()?;
        let platform = Platform::of_this_engine()?;
        let is_new = image::build(self.project, &self.settings, &images, platform)?;
        secrets::ensure(&self.server(), &images.proxy)?;
        let built =
            format!("{} {}", images.api, if is_new { "built" } else { "was already built" });
        self.built = Some(images);
        Ok(built)
    }

    pub(super) fn start_release_database(&self) -> anyhow::Result<()> {
        let (server, images) = (self.server(), self.images()?);
        server.start_redis(&images)?;
        if schema::is_elsewhere(&server) {
            return Ok(());
        }
        database_volume::check(&server, &images)?;
        archive::create_folder(&server, &images)?;
        server.start_database(&images)
    }

    pub(super) fn migrate_release(&self, arguments: &[&str]) -> anyhow::Result<Command> {
        Ok(self.server().migrate(&self.images()?, arguments))
    }

    pub(super) fn back_release_up(&self, arguments: &[&str]) -> anyhow::Result<Command> {
        let server = self.server();
        match server.container("backup")? {
            Some(backup) => {
                let mut command = server.docker(["exec", &backup, "sh", "/scripts/backup.sh"]);
                command.args(arguments);
                Ok(command)
            }
            None => Ok(server.backup(&self.images()?, arguments)),
        }
    }

    /// Replaces the running release with this release.
    pub(super) fn start_release(&self) -> anyhow::Result<()> {
        let (server, images) = (self.server(), self.images()?);
        // Removes the development container of the API, which uses the port that nginx needs.
        rolling_update::remove_foreign(&server)?;
        let number =
            rolling_update::running(&server)?.first().map_or(self.settings.replicas, |it| it.1);
        // A later `deploy` can be rolled back to this release.
        let entry = Entry::new(self.project, "up", image::tag_of(&images.api));
        let mut history = History::open(&server, &images.proxy, &entry)?;
        history.write("started")?;
        let updated = rolling_update::run(&server, &images, number, 1);
        history.end(&updated)?;
        updated?;
        Ok(())
    }

    /// Removes the production containers that do not exist in the development stack.
    pub(super) fn remove_release(&self) -> anyhow::Result<()> {
        let server = self.server();
        rolling_update::remove_replicas(&server)?;
        for container in server.containers("nginx", &["running", "restarting"])? {
            process::output(&mut server.docker(["rm", "--force", &container]))?;
        }
        Ok(())
    }
}
