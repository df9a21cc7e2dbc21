//! `cargo xtask build`: builds without starting the stack.

use std::process::ExitCode;

use anyhow::ensure;

use context::{
    engine_kind::{EngineChoice, EngineKind},
    project::Project,
    report,
};
use deploy::{
    Platform,
    image::{self, Images},
    sbom,
};

/// Build the images and compile the source, without starting the stack
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The engine to build for [default: the running engine, otherwise ENGINE in .env]
    #[arg(long, value_enum)]
    engine: Option<EngineChoice>,
    /// Build the release; with Docker, build the release images and write an SBOM
    #[arg(long, visible_alias = "production")]
    release: bool,
    /// The platform of the release images [default: the platform of this machine's Docker]
    #[arg(long, value_enum, requires = "release")]
    platform: Option<Platform>,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        // --platform selects Docker, because only images have a platform.
        let engine = self.engine.or(self.platform.map(|_| EngineChoice::Docker));
        let mut state = engine::select(project, engine)?;
        state.production |= self.release;
        if state.production && state.engine == EngineKind::Docker {
            return release(project, self.platform);
        }
        ensure!(self.platform.is_none(), "--platform applies only to images; pass --engine docker");
        let mut engine = engine::open(project, project.settings()?, &state)?;
        report::stage("prepare", || Ok(((), engine.prepare()?)))?;
        report::stage("build", || {
            engine.build()?;
            Ok(((), format!("for the engine {}", state.engine.as_str())))
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Builds the release images and writes the SBOM.
fn release(project: &Project, platform: Option<Platform>) -> anyhow::Result<ExitCode> {
    let settings = project.settings()?;
    let platform = platform.map_or_else(Platform::of_this_engine, Ok)?;
    let tag = image::tag(project)?;
    let images = Images::of(project, &settings, &tag)?;
    report::stage("build", || {
        let is_new = image::build(project, &settings, &images, platform)?;
        let done = if is_new { "built" } else { "already built" };
        Ok(((), format!("{} {done}, for {platform}", images.api)))
    })?;
    report::stage("sbom", || Ok(((), sbom::write(project, &tag, platform)?)))?;
    Ok(ExitCode::SUCCESS)
}
