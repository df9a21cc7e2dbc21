//! `cargo xtask db backup` and `db restore-drill`: run `docker/backup/backup.sh`, which production runs on a schedule.

use std::process::ExitCode;

use deploy::ProductionArgs;
use engine::Engine;
use serde_json::{Value, json};

use context::{process, project::Project, report};

/// Back up the database and verify that the backup can be restored
///
/// Writes a dump and a manifest of all rows to BACKUP_FOLDER. Then loads the dump into a temporary database
/// and compares it with the manifest. Keeps the last BACKUP_KEEP backups. In production, copies the backup to
/// BACKUP_TARGET if it is set.
#[derive(clap::Args)]
pub(crate) struct BackupArgs {
    /// Copy the backup to BACKUP_TARGET in development too
    #[arg(long)]
    copy: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    stack: ProductionArgs,
}

impl BackupArgs {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let settings = project.settings()?;
        let (engine, state) = engine::selected(project, &settings, &self.stack)?;
        let copies = self.copy || state.production;
        if !copies && settings.variable("BACKUP_TARGET").is_some() {
            report::note(
                "BACKUP_TARGET is for backups of production, so this backup is not copied there. Pass --copy to copy \
                 it.",
            );
        }
        run(&*engine, &[if copies { "once" } else { "local" }], self.json)
    }
}

/// Restore a backup into a temporary database and compare all rows
///
/// Fails if the file was changed, if the dump cannot be loaded, or if a row differs.
#[derive(clap::Args)]
pub(crate) struct DrillArgs {
    /// The name of a backup in BACKUP_FOLDER [default: the newest backup]
    name: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    stack: ProductionArgs,
}

impl DrillArgs {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let settings = project.settings()?;
        let (engine, _) = engine::selected(project, &settings, &self.stack)?;
        let arguments: Vec<_> = ["drill"].into_iter().chain(self.name.as_deref()).collect();
        run(&*engine, &arguments, self.json)
    }
}

/// Runs the script. Prints its lines, or the time and the text of each line as JSON.
fn run(engine: &dyn Engine, arguments: &[&str], json: bool) -> anyhow::Result<ExitCode> {
    let mut command = engine.backup(arguments)?;
    if !json {
        return process::exec(command);
    }
    let output = process::output(&mut command)?;
    let events = output.lines().filter_map(|line| line.split_once(' '));
    let events = events.map(|(time, what)| json!({ "time": time, "event": what }));
    report::json(&json!({ "ok": true, "events": events.collect::<Vec<Value>>() }))?;
    Ok(ExitCode::SUCCESS)
}
