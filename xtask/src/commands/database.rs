//! `cargo xtask recreate-db` and `seed`: the migration tool, run where the stack runs.

use std::process::ExitCode;

use anyhow::bail;

use super::confirm;
use crate::{engine, process, project::Project};

/// Drop and recreate the schema, apply all migrations, load the sample rows
///
/// The new database is made beside the old one and takes its place at the end; the running API goes
/// on without a restart. Refused in the production profile.
#[derive(clap::Args)]
pub(crate) struct RecreateArgs {
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Without the sample rows
    #[arg(long)]
    empty: bool,
}

impl RecreateArgs {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let (engine, state) = engine::current(project)?;
        if state.production {
            bail!(
                "the stack runs in the production profile, and this would drop every row: refused"
            );
        }
        confirm("This drops every row of the database.", self.yes)?;
        let arguments: &[_] = if self.empty { &["recreate", "--empty"] } else { &["recreate"] };
        let status = engine.migrate(arguments, false)?.status()?;
        if status.success()
            && let Some(follower) = engine.follower()
        {
            // If the source was not served for the schema's sake, it is now. How that ends, `status` tells.
            follower.wait();
        }
        Ok(process::exit_code(status))
    }
}

/// Load the sample rows that are not there yet
#[derive(clap::Args)]
pub(crate) struct SeedArgs {}

impl SeedArgs {
    #[expect(clippy::unused_self, reason = "every command runs like this")]
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        tool(project, &["seed"])
    }
}

fn tool(project: &Project, arguments: &[&str]) -> anyhow::Result<ExitCode> {
    let (engine, _) = engine::current(project)?;
    process::hand_over(engine.migrate(arguments, false)?)
}
