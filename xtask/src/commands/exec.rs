//! `cargo xtask exec`: a command where a service runs.

use std::process::ExitCode;

use context::{process, project::Project};

/// Run a command where a service runs, with its settings; its exit code is handed on
#[derive(clap::Args)]
pub(crate) struct Args {
    /// postgres or api
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
