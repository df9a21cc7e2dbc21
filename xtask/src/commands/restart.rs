//! `cargo xtask restart`: restarts services without a rebuild.

use std::process::ExitCode;

use context::{lock, project::Project, report};

/// Restart one service or all services, without a rebuild
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The service: postgres or api [default: both]
    service: Option<String>,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let _lock = lock::take(project)?;
        let (mut engine, mut state) = engine::current(project)?;
        state.api = report::stage("restart", || {
            let api = engine.restart(self.service.as_deref())?;
            Ok((api, self.service.unwrap_or_else(|| "postgres and api".to_owned())))
        })?;
        state.save(project)?;
        engine::wait_until_ready(&*engine, state.api_port)?;
        Ok(ExitCode::SUCCESS)
    }
}
