//! `cargo xtask push`: pushes the images of a release to a registry.

use std::process::{Command, ExitCode};

use anyhow::Context;

use context::{process, project::Project, report};
use deploy::{
    Platform,
    image::{self, Images},
};

/// Build a release and push its images to a registry
///
/// Run `docker login` first if the registry requires a login. Servers pull the images from the registry if
/// REGISTRY is set in .env.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The registry, such as registry.example.com/team [default: REGISTRY in .env]
    #[arg(long)]
    registry: Option<String>,
    /// The platform of the images; can be repeated [default: the platform of this machine's Docker]
    #[arg(long, value_enum)]
    platform: Vec<Platform>,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let settings = project.settings()?;
        let registry = self.registry.or_else(|| settings.variable("REGISTRY"));
        let registry = registry
            .context("the registry is missing. Pass --registry, or set REGISTRY in .env.")?;
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
        // With several platforms, each image gets its own tag, and `target` becomes a list of these images.
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
