//! `cargo xtask exec`: runs a command in the environment of a service.

use std::process::ExitCode;

use context::{process, project::Project};

/// Run a command in the environment of a service and return its exit code
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The service: postgres or api
    #[arg(default_value = "api")]
    service: String,
    /// The command and its arguments, after `--`
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let (engine, _) = engine::current(project)?;
        process::exec(engine.exec(&self.service, &self.command)?)
    }
}
