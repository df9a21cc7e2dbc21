//! `cargo xtask db`: the life of the database's rows; one file a topic.

mod branch;
mod snapshot;

use std::process::ExitCode;

use clap::Subcommand;

use crate::project::Project;

pub(crate) use branch::follow;

/// Snapshots of the database, and copies for git branches
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
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Snapshot(command) => command.run(project),
            Command::Branch(command) => command.run(project),
        }
    }
}
