//! `cargo xtask down`: stops the stack.

use std::process::ExitCode;

use context::{checkouts, confirm::confirm_loss, lock, project::Project, report, state::State};
use engine::upgrade;

/// Stop the stack; the data is kept unless --volumes is given
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Also remove the database and the build caches
    #[arg(long)]
    volumes: bool,
    /// Do not ask for confirmation before the data is removed
    #[arg(long)]
    yes: bool,
    /// Allow --volumes to remove a production database
    #[arg(long)]
    production: bool,
}

impl Args {
    /// Returns the arguments that remove the data. The caller asks for confirmation.
    pub(crate) fn with_volumes() -> Self {
        Self { volumes: true, yes: true, production: true }
    }

    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let _lock = lock::take(project)?;
        // --volumes also works if no stack is running, because the data can exist without a stack.
        let (mut engine, state) = match engine::current(project) {
            Err(_) if self.volumes => {
                let state = engine::select(project, None)?;
                (engine::open(project, project.settings()?, &state)?, state)
            }
            current => current?,
        };
        let runs_database = state.engine.runs_database();
        if self.volumes && runs_database {
            let question = "This removes the database and all its rows.";
            confirm_loss(question, state.production, self.production, self.yes)?;
        }
        report::stage("down", || {
            engine.stop(self.volumes)?;
            if self.volumes
                && let Some((engine, other)) = upgrade::other(project)?
            {
                upgrade::remove(project, engine, &other)?;
                upgrade::forget(project)?;
            }
            let data = match self.volumes {
                true if runs_database => "the data is removed",
                true => "the database is kept, because someone else runs its server",
                false => "the data is kept",
            };
            Ok(((), format!("engine {}; {data}", state.engine.as_str())))
        })?;
        State::remove(project)?;
        checkouts::remove(&project.root);
        Ok(ExitCode::SUCCESS)
    }
}
