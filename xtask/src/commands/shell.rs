//! `cargo xtask shell`: a shell where a service runs.

use std::process::ExitCode;

use context::{process, project::Project};

/// Open a shell where a service runs, with its settings
#[derive(clap::Args)]
pub(crate) struct Args {
    /// postgres or api
    #[arg(default_value = "api")]
    service: String,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let (engine, _) = engine::current(project)?;
        process::exec(engine.shell(&self.service)?)
    }
}
