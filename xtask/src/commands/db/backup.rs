//! `cargo xtask db backup` and `db restore-drill`: run `docker/backup/backup.sh`, which production runs on a schedule.

use std::process::ExitCode;

use context::{process, project::Project};

/// Back up the database and verify that the backup can be restored
///
/// Writes a dump and a manifest of all rows to BACKUP_FOLDER. Then loads the dump into a temporary database
/// and compares it with the manifest. Keeps the last BACKUP_KEEP backups.
#[derive(clap::Args)]
pub(crate) struct BackupArgs {}

impl BackupArgs {
    #[expect(clippy::unused_self, reason = "all commands have the same signature")]
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let (engine, _) = engine::current(project)?;
        process::exec(engine.backup(&["once"])?)
    }
}

/// Restore a backup into a temporary database and compare all rows
///
/// Fails if the file was changed, if the dump cannot be loaded, or if a row differs.
#[derive(clap::Args)]
pub(crate) struct DrillArgs {
    /// The name of a backup in BACKUP_FOLDER [default: the newest backup]
    name: Option<String>,
}

impl DrillArgs {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let (engine, _) = engine::current(project)?;
        let arguments: Vec<_> = ["drill"].into_iter().chain(self.name.as_deref()).collect();
        process::exec(engine.backup(&arguments)?)
    }
}
