//! `cargo xtask build`: compiles without starting anything.

use std::process::ExitCode;

use crate::{engine, project::Project, report, settings::Choice};

/// Build the images and compile the source, without starting the stack
#[derive(clap::Args)]
pub(crate) struct Args {
    /// What it is built for; the default is the engine that runs, else ENGINE in .env
    #[arg(long, value_enum)]
    engine: Option<Choice>,
    /// The release build
    #[arg(long, visible_alias = "production")]
    release: bool,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let mut state = engine::for_now(project, self.engine)?;
        state.production |= self.release;
        let mut engine = engine::open(project, project.settings()?, &state)?;
        report::stage("prepare", || Ok(((), engine.prepare()?)))?;
        report::stage("build", || {
            engine.build()?;
            Ok(((), format!("for the engine {}", state.engine.as_str())))
        })?;
        Ok(ExitCode::SUCCESS)
    }
}
