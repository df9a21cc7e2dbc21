//! `cargo xtask shell`: opens a shell in the environment of a service.

use std::process::ExitCode;

use context::{process, project::Project};

/// Open a shell in the environment of a service
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The service: postgres or api
    #[arg(default_value = "api")]
    service: String,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let (engine, _) = engine::current(project)?;
        process::exec(engine.shell(&self.service)?)
    }
}
