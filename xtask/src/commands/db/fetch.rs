//! `cargo xtask db fetch`: fetches a backup from the store in `BACKUP_TARGET`.

use std::{fs::File, path::PathBuf, process::ExitCode, process::Stdio};

use anyhow::Context;

use context::{process, project::Project};

/// Fetch a backup from BACKUP_TARGET into BACKUP_FOLDER
///
/// Creates the folder fetched-NAME, checks the checksum of the dump and removes the encryption. Does not change the
/// database. To restore the backup, load its dump with `cargo xtask db load`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The name of a backup in BACKUP_TARGET [default: the newest backup]
    name: Option<String>,
    /// The file with the private key, if the backup is encrypted with age
    #[arg(long)]
    identity: Option<PathBuf>,
    /// List the backups in BACKUP_TARGET, oldest first
    #[arg(long, conflicts_with_all = ["name", "identity"])]
    list: bool,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let (engine, _) = engine::current(project)?;
        if self.list {
            return process::exec(engine.backup(&["list"])?);
        }
        let arguments: Vec<_> = ["fetch"].into_iter().chain(self.name.as_deref()).collect();
        let mut command = engine.backup(&arguments)?;
        // The script reads the key from its input, because a container cannot read the file.
        command.stdin(match self.identity {
            Some(file) => {
                let opened = File::open(&file);
                opened.with_context(|| format!("cannot read the key in {}", file.display()))?.into()
            }
            None => Stdio::null(),
        });
        process::exec(command)
    }
}
