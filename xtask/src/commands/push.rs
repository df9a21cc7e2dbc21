//! `cargo xtask push`: brings the images of a release to a registry.

use std::process::{Command, ExitCode};

use anyhow::Context;

use context::{process, project::Project, report};
use deploy::{
    Platform,
    image::{self, Images},
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
    /// What the images are for, once for each; the default is what this machine's Docker runs
    #[arg(long, value_enum)]
    platform: Vec<Platform>,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let settings = project.settings()?;
        let registry = self.registry.or_else(|| settings.variable("REGISTRY"));
        let registry = registry.context("give --registry, or set REGISTRY in .env")?;
        let platforms = if self.platform.is_empty() {
            vec![Platform::of_this_engine()?]
        } else {
            self.platform
        };
        let images = Images::of(project, &settings, &image::tag(project)?)?;
        let targets = images.all().map(|image| {
            let name = image.rsplit('/').next().unwrap_or(image);
            format!("{}/{name}", registry.trim_end_matches('/'))
        });
        // One name for several platforms is a list of the names that each has.
        let part = |target: &str, platform: &Platform| match platforms.len() {
            1 => target.to_owned(),
            _ => format!("{target}-{}", platform.architecture()),
        };
        for platform in &platforms {
            report::stage("build", || {
                image::build(project, &settings, &images, *platform)?;
                Ok(((), format!("{}, for {platform}", images.api)))
            })?;
            for (image, target) in images.all().into_iter().zip(&targets) {
                let target = part(target, platform);
                report::stage("push", || {
                    process::output(Command::new("docker").args(["tag", image, &target]))?;
                    process::output(Command::new("docker").args(["push", "--quiet", &target]))?;
                    Ok(((), target.clone()))
                })?;
            }
        }
        if platforms.len() > 1 {
            for target in targets {
                let parts = platforms.iter().map(|platform| part(&target, platform));
                report::stage("push", || {
                    let create = ["buildx", "imagetools", "create", "--tag", &target];
                    process::output(Command::new("docker").args(create).args(parts))?;
                    Ok(((), target.clone()))
                })?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
