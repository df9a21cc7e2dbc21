//! `cargo xtask db`: the database as a whole. One file a subcommand.

mod backup;
mod dump;
mod load;
mod upgrade;

use std::process::ExitCode;

use clap::Subcommand;

use crate::project::Project;

/// The database as a whole: dumps, backups, upgrades
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Backup(backup::BackupArgs),
    RestoreDrill(backup::DrillArgs),
    Dump(dump::Args),
    Load(load::Args),
    Upgrade(upgrade::Args),
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Backup(args) => args.run(project),
            Command::RestoreDrill(args) => args.run(project),
            Command::Dump(args) => args.run(project),
            Command::Load(args) => args.run(project),
            Command::Upgrade(args) => args.run(project),
        }
    }
}
