//! `cargo xtask db backup` and `db restore-drill`: run `docker/backup/backup.sh`, which production runs on a schedule.

use std::process::ExitCode;

use engine::Engine;
use serde_json::{Value, json};

use context::{process, project::Project, report};

/// Back up the database and verify that the backup can be restored
///
/// Writes a dump and a manifest of all rows to BACKUP_FOLDER. Then loads the dump into a temporary database
/// and compares it with the manifest. Keeps the last BACKUP_KEEP backups. If BACKUP_TARGET is set, copies the
/// backup there.
#[derive(clap::Args)]
pub(crate) struct BackupArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl BackupArgs {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let (engine, _) = engine::current(project)?;
        run(&*engine, &["once"], self.json)
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
}

impl DrillArgs {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let (engine, _) = engine::current(project)?;
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
