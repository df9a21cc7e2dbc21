//! `cargo xtask logs`: what the services wrote.

use std::process::ExitCode;

use crate::{engine, project::Project};

/// Show the log of one service or of all
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Go on with what is added, until Ctrl-C
    #[arg(short, long)]
    follow: bool,
    /// postgres or api; all if none is given
    service: Option<String>,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let (engine, _) = engine::current(project)?;
        engine.logs(self.service.as_deref(), self.follow)
    }
}
