//! `cargo xtask push`: brings the images of a release to a registry.

use std::process::{Command, ExitCode};

use anyhow::Context;

use crate::{
    process,
    project::Project,
    release::image::{self, Images},
    report,
};

/// Build the release and push its images to a registry
///
/// `docker login` comes first where the registry wants that. A server takes images from there when
/// REGISTRY in .env names it.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where to, like registry.example.com/team; the default is REGISTRY
    #[arg(long)]
    registry: Option<String>,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let settings = project.settings()?;
        let registry = self.registry.or_else(|| settings.variable("REGISTRY"));
        let registry = registry.context("give --registry, or set REGISTRY in .env")?;
        let images = Images::of(project, &settings, &image::tag(project)?)?;
        report::stage("build", || {
            image::build(project, &settings, &images)?;
            Ok(((), images.api.clone()))
        })?;
        for image in images.all() {
            let name = image.rsplit('/').next().unwrap_or(image);
            let target = format!("{}/{name}", registry.trim_end_matches('/'));
            report::stage("push", || {
                process::ask(Command::new("docker").args(["tag", image, &target]))?;
                process::ask(Command::new("docker").args(["push", "--quiet", &target]))?;
                Ok(((), target.clone()))
            })?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
