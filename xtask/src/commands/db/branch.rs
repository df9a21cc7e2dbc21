//! `cargo xtask db branch`: a copy of the database for each git branch.

use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Subcommand;
use serde::Deserialize;

use context::{confirm::confirm, git, project::Project, report};
use engine::{Engine, database_branch::switch};

/// A copy of the database for each git branch: see docs/branches.md
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show the branches that have a copy, and which of them git has not any more
    List,
    /// Put the copy of a branch in use; it is made if there is none
    Switch {
        /// The one checked out if there is none
        name: Option<String>,
    },
    /// Drop the copies of branches that git has not any more
    Prune {
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// What git's hook runs: switches if DATABASE_BRANCHES=git and a stack is up
    #[command(hide = true)]
    Follow,
}

/// What the migration tool says.
#[derive(Deserialize)]
struct Known {
    current: Option<String>,
    copies: Vec<Copy>,
}

#[derive(Deserialize)]
struct Copy {
    name: String,
}

impl Command {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        if matches!(self, Self::Follow) {
            return follow_in_hook(project);
        }
        let (engine, _) = engine::current(project)?;
        match self {
            Self::List => list(project, &*engine)?,
            Self::Switch { name } => {
                let name = name.or_else(|| git::branch(project));
                let name = name.context("no branch is checked out: name one")?;
                report::line(&switch(project, &*engine, &name, false)?);
            }
            Self::Prune { yes } => prune(project, &*engine, yes)?,
            Self::Follow => {}
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn follow_in_hook(project: &Project) -> anyhow::Result<ExitCode> {
    let settings = project.settings()?;
    if !settings.database_branches {
        return Ok(ExitCode::SUCCESS);
    }
    let (Some(name), Ok((engine, state))) = (git::branch(project), engine::current(project)) else {
        // The next `up` does it.
        return Ok(ExitCode::SUCCESS);
    };
    if !state.production {
        report::note(&switch(project, &*engine, &name, false)?);
    }
    Ok(ExitCode::SUCCESS)
}

fn list(project: &Project, engine: &dyn Engine) -> anyhow::Result<()> {
    report::line(engine.migrate_output(&["branch", "list"], false)?.trim_end());
    let deleted = deleted(project, engine)?;
    if !deleted.is_empty() {
        let names = deleted.join(", ");
        report::note(&format!(
            "git has no {names} any more; `cargo xtask db branch prune` drops what they had"
        ));
    }
    Ok(())
}

fn prune(project: &Project, engine: &dyn Engine, yes: bool) -> anyhow::Result<()> {
    let deleted = deleted(project, engine)?;
    if deleted.is_empty() {
        report::line("every copy is that of a branch");
        return Ok(());
    }
    confirm(&format!("This drops the databases of {}.", deleted.join(", ")), yes)?;
    let names = deleted.iter().map(String::as_str);
    let arguments: Vec<_> = ["branch", "delete"].into_iter().chain(names).collect();
    report::line(engine.migrate_output(&arguments, false)?.trim_end());
    Ok(())
}

/// The branches that have a copy, and are not git's any more.
fn deleted(project: &Project, engine: &dyn Engine) -> anyhow::Result<Vec<String>> {
    let known: Known =
        serde_json::from_str(&engine.migrate_output(&["branch", "list", "--json"], false)?)?;
    let branches = git::branches(project);
    if branches.is_empty() {
        bail!("git names no branch here");
    }
    let is_deleted =
        |name: &String| !branches.contains(name) && known.current.as_ref() != Some(name);
    Ok(known.copies.into_iter().map(|copy| copy.name).filter(is_deleted).collect())
}
