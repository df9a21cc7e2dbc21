//! The production profile on Docker: releases, replicas, a proxy in front.

use std::process::Command;

use context::process;
use deploy::{
    Platform, Server,
    image::{self, Images},
    rolling_update, schema, secrets,
};

use super::Docker;

impl Docker<'_> {
    fn server(&self) -> Server<'_> {
        Server::of_this_machine(self.project, &self.settings, self.api_port)
    }

    /// A running container of a service.
    pub(super) fn replica(&self, service: &str) -> Option<String> {
        self.server().container(service).ok().flatten()
    }

    /// The images of the source as it is now.
    fn images_of_the_source(&self) -> anyhow::Result<Images> {
        Images::of(self.project, &self.settings, &image::tag(self.project)?)
    }

    /// The images of the release that this command has built, or else of the one that serves: the source may have
    /// become another one since.
    fn images(&self) -> anyhow::Result<Images> {
        if let Some(images) = &self.built {
            return Ok(images.clone());
        }
        match rolling_update::serving(&self.server(), self.project) {
            Ok(serving) => Ok(serving.images),
            Err(_) => self.images_of_the_source(),
        }
    }

    /// Builds the release that the source is, and makes its secrets.
    pub(super) fn prepare_release(&mut self) -> anyhow::Result<String> {
        let images = self.images_of_the_source()?;
        let platform = Platform::of_this_engine()?;
        let is_new = image::build(self.project, &self.settings, &images, platform)?;
        secrets::ensure(&self.server(), &images.proxy)?;
        let built =
            format!("{} {}", images.api, if is_new { "is built" } else { "was built already" });
        self.built = Some(images);
        Ok(built)
    }

    pub(super) fn start_release_database(&self) -> anyhow::Result<()> {
        let (server, images) = (self.server(), self.images()?);
        server.start_redis(&images)?;
        if schema::is_elsewhere(&server) {
            return Ok(());
        }
        server.start_database(&images)
    }

    pub(super) fn migrate_release(&self, arguments: &[&str]) -> anyhow::Result<Command> {
        Ok(self.server().migrate(&self.images()?, arguments))
    }

    pub(super) fn back_release_up(&self, arguments: &[&str]) -> anyhow::Result<Command> {
        Ok(self.server().backup(&self.images()?, arguments))
    }

    /// Has this release serve, in the place of what does.
    pub(super) fn start_release(&self) -> anyhow::Result<()> {
        let (server, images) = (self.server(), self.images()?);
        // It has the port that nginx is to have.
        rolling_update::remove_foreign(&server)?;
        let number =
            rolling_update::running(&server)?.first().map_or(self.settings.replicas, |it| it.1);
        rolling_update::run(&server, &images, number, 1)?;
        Ok(())
    }

    /// Removes what the development stack does not have.
    pub(super) fn remove_release(&self) -> anyhow::Result<()> {
        let server = self.server();
        rolling_update::remove_replicas(&server)?;
        for container in server.containers("nginx", &["running", "restarting"])? {
            process::output(&mut server.docker(["rm", "--force", &container]))?;
        }
        Ok(())
    }
}
