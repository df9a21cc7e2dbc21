//! The command lines of `migrate snapshot` and `migrate branch`.

use anyhow::ensure;
use clap::Subcommand;
use config::{Config, Profile};
use migrate::{branches, snapshots};

#[derive(Subcommand)]
pub(crate) enum Snapshot {
    /// Copy the database to a snapshot (requests wait during the copy)
    Save {
        /// Name of the snapshot (default: the next free number)
        name: Option<String>,
        /// Confirm the command (required in production)
        #[arg(long)]
        yes: bool,
    },
    /// Replace the database with a snapshot, and keep the old database as another snapshot
    Restore {
        /// Name of the snapshot (default: the newest snapshot)
        name: Option<String>,
        /// Do not apply the migrations that the snapshot lacks
        #[arg(long)]
        as_it_is: bool,
        /// Drop the old database instead of keeping it as a snapshot
        #[arg(long)]
        no_snapshot: bool,
        /// Confirm the command (required in production)
        #[arg(long)]
        yes: bool,
    },
    /// List the snapshots
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Delete snapshots
    Delete {
        /// Names of the snapshots
        #[arg(required = true)]
        names: Vec<String>,
        /// Confirm the command (required in production)
        #[arg(long)]
        yes: bool,
    },
}

impl Snapshot {
    pub(crate) async fn run(self, config: &Config) -> anyhow::Result<String> {
        match self {
            Self::Save { name, yes } => {
                confirm(config, yes, "blocks requests while it copies the database")?;
                snapshots::save(config, name.as_deref()).await
            }
            Self::Restore { name, as_it_is, no_snapshot, yes } => {
                confirm(config, yes, "replaces all rows")?;
                snapshots::restore(config, name.as_deref(), !no_snapshot, as_it_is).await
            }
            Self::List { json } => snapshots::list(config, json).await,
            Self::Delete { names, yes } => {
                confirm(config, yes, "deletes copies of the database")?;
                snapshots::delete(config, &names).await
            }
        }
    }
}

#[derive(Subcommand)]
pub(crate) enum Branch {
    /// Switch to the copy of a git branch, and create the copy if it does not exist
    Switch {
        /// Name of the branch
        name: String,
        /// Branch of the current database, if the database is not marked with a branch
        #[arg(long)]
        left: Option<String>,
        /// Branch to copy for a new branch (repeatable; the first branch with a copy is used)
        #[arg(long = "parent")]
        parents: Vec<String>,
    },
    /// List the branches that have a copy
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Delete the copies of branches
    Delete {
        /// Names of the branches
        #[arg(required = true)]
        names: Vec<String>,
    },
}

impl Branch {
    pub(crate) async fn run(self, config: &Config) -> anyhow::Result<String> {
        match self {
            Self::Switch { name, left, parents } => {
                branches::switch(config, &name, left.as_deref(), &parents).await
            }
            Self::List { json } => branches::list(config, json).await,
            Self::Delete { names } => branches::delete(config, &names).await,
        }
    }
}

/// Requires `--yes` in production. `effect` completes the sentence "this command ...".
fn confirm(config: &Config, yes: bool, effect: &str) -> anyhow::Result<()> {
    let is_production = config.profile == Profile::Production;
    ensure!(
        yes || !is_production,
        "refused, because this command {effect} in production (APP_ENV). Pass --yes to confirm."
    );
    Ok(())
}
