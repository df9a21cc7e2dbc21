//! `cargo xtask remove`: removes a resource that is not on the main branch yet.

use std::process::ExitCode;

use context::{confirm::confirm, process, project::Project, report};
use engine::Engine;
use serde_json::Value;

use super::new::BuildArgs;
use crate::scaffold;

/// Remove a resource that is not on the main branch yet
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    kind: Kind,
}

#[derive(clap::Subcommand)]
enum Kind {
    Resource(ResourceArgs),
}

/// Remove a resource: its files, migrations and registrations, and its table in the local database
///
/// Fails if the main branch of the remote contains the migration, or if a later migration refers to the table.
#[derive(clap::Args)]
struct ResourceArgs {
    /// The name of the resource, such as book
    name: String,
    /// Do not ask for confirmation before rows and edits are lost
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    build: BuildArgs,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let Kind::Resource(ResourceArgs { name, yes, build }) = self.kind;
        let removal = scaffold::plan(project, "removal", &name)?;
        if !removal.uncommitted.is_empty() {
            let files = removal.uncommitted.join(", ");
            confirm(&format!("These files are not committed and will be lost: {files}."), yes)?;
        }
        roll_back(project, removal.first_migration, yes)?;
        build.report(&scaffold::write(project, "removal", &name)?, project)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Reverts the migration and all later migrations in the local database. Reads the migration files, so it must run
/// before these files are deleted.
fn roll_back(project: &Project, migration: i32, yes: bool) -> anyhow::Result<()> {
    let version = || -> anyhow::Result<(Box<dyn Engine + '_>, i64)> {
        let (engine, _) = engine::current(project)?;
        let status: Value =
            serde_json::from_str(&engine.migrate_output(&["status", "--json"], false)?)?;
        let version = status["version"].as_i64().unwrap_or(0);
        Ok((engine, version))
    };
    let Ok((engine, version)) = version() else {
        report::note(&format!(
            "no database is running. If your database has migration {migration}, run `cargo xtask recreate-db` \
             after the next `cargo xtask up`."
        ));
        return Ok(());
    };
    if version < i64::from(migration) {
        return Ok(());
    }
    confirm(
        &format!(
            "The local database has migration {migration}; the table and its rows are dropped."
        ),
        yes,
    )?;
    let to = format!("--to={}", migration - 1);
    process::run(&mut engine.migrate(&["down", &to], false)?)
}
