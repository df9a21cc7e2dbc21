//! `cargo xtask psql`: PostgreSQL's own terminal.

use std::process::ExitCode;

use crate::{engine, process, project::Project};

/// Open PostgreSQL's terminal on the database; reads statements from a pipe too
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Arguments for psql, after `--`, as in `psql -- --command 'SELECT 1'`
    #[arg(last = true)]
    arguments: Vec<String>,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let (engine, _) = engine::current(project)?;
        process::hand_over(engine.psql(&self.arguments)?)
    }
}
