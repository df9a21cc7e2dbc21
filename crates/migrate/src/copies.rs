//! The command lines of `migrate snapshot` and `migrate branch`.

use anyhow::ensure;
use clap::Subcommand;
use config::{Config, Profile};
use migrate::{branches, snapshots};

#[derive(Subcommand)]
pub(crate) enum Snapshot {
    /// Keep the database as it is now; requests wait meanwhile
    Save {
        /// The next free number if there is none
        name: Option<String>,
        /// Needed in production
        #[arg(long)]
        yes: bool,
    },
    /// Bring a snapshot back, and keep what it replaces as another one
    Restore {
        /// The newest if there is none
        name: Option<String>,
        /// Without the migrations that it has not
        #[arg(long)]
        as_it_is: bool,
        /// Drop what it replaces
        #[arg(long)]
        no_snapshot: bool,
        /// Needed in production
        #[arg(long)]
        yes: bool,
    },
    /// Show the snapshots
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Drop snapshots
    Delete {
        #[arg(required = true)]
        names: Vec<String>,
        /// Needed in production
        #[arg(long)]
        yes: bool,
    },
}

impl Snapshot {
    pub(crate) async fn run(self, config: &Config) -> anyhow::Result<String> {
        match self {
            Self::Save { name, yes } => {
                allow(config, yes, "requests would wait while the database is copied")?;
                snapshots::save(config, name.as_deref()).await
            }
            Self::Restore { name, as_it_is, no_snapshot, yes } => {
                allow(config, yes, "this would put other rows in the place of all")?;
                snapshots::restore(config, name.as_deref(), !no_snapshot, as_it_is).await
            }
            Self::List { json } => snapshots::list(config, json).await,
            Self::Delete { names, yes } => {
                allow(config, yes, "this would delete rows")?;
                snapshots::delete(config, &names).await
            }
        }
    }
}

#[derive(Subcommand)]
pub(crate) enum Branch {
    /// Put the copy of a git branch in use; it is made if there is none
    Switch {
        name: String,
        /// The branch that the database in use is of, if it does not know
        #[arg(long)]
        left: Option<String>,
        /// What a new copy is made from: the first of these that has one
        #[arg(long = "parent")]
        parents: Vec<String>,
    },
    /// Show the branches that have a copy
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Drop the copies of branches
    Delete {
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

fn allow(config: &Config, yes: bool, what: &str) -> anyhow::Result<()> {
    let is_production = config.profile == Profile::Production;
    ensure!(yes || !is_production, "APP_ENV is production, and {what}: refused without --yes");
    Ok(())
}
