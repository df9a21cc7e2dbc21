//! `cargo xtask db backup` and `db restore-drill`: `docker/backup/backup.sh`, which the production stack
//! runs by the clock, when somebody asks for it.

use std::process::ExitCode;

use context::{process, project::Project};

/// Back the database up, and prove that the backup can be restored
///
/// A dump and a manifest of every table's rows go into BACKUP_FOLDER; the dump is loaded into a
/// throw-away database and compared with the manifest. The last BACKUP_KEEP are kept.
#[derive(clap::Args)]
pub(crate) struct BackupArgs {}

impl BackupArgs {
    #[expect(clippy::unused_self, reason = "every command runs like this")]
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let (engine, _) = engine::current(project)?;
        process::exec(engine.backup(&["once"])?)
    }
}

/// Restore a backup into a throw-away database and compare it row for row
///
/// Fails if the file is not what was written, if it cannot be loaded, or if one row is another.
#[derive(clap::Args)]
pub(crate) struct DrillArgs {
    /// The name of a backup in BACKUP_FOLDER; without it, the newest
    name: Option<String>,
}

impl DrillArgs {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let (engine, _) = engine::current(project)?;
        let arguments: Vec<_> = ["drill"].into_iter().chain(self.name.as_deref()).collect();
        process::exec(engine.backup(&arguments)?)
    }
}
