//! `cargo xtask db`: commands for the whole database, one file per command.

mod backup;
mod branch;
mod dump;
mod fetch;
mod load;
mod restore;
mod snapshot;
mod upgrade;

use std::process::ExitCode;

use clap::Subcommand;

use context::project::Project;

/// Manage the database: snapshots, copies for git branches, dumps, backups, upgrades
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    #[command(subcommand)]
    Snapshot(snapshot::Command),
    #[command(subcommand)]
    Branch(branch::Command),
    Backup(backup::BackupArgs),
    RestoreDrill(backup::DrillArgs),
    Fetch(fetch::Args),
    Dump(dump::Args),
    Load(load::Args),
    Restore(restore::Args),
    Upgrade(upgrade::Args),
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Snapshot(command) => command.run(project),
            Command::Branch(command) => command.run(project),
            Command::Backup(args) => args.run(project),
            Command::RestoreDrill(args) => args.run(project),
            Command::Fetch(args) => args.run(project),
            Command::Dump(args) => args.run(project),
            Command::Load(args) => args.run(project),
            Command::Restore(args) => args.run(project),
            Command::Upgrade(args) => args.run(project),
        }
    }
}
