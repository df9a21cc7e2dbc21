//! `cargo xtask db branch`: manages the copies of the database for git branches.

use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Subcommand;
use serde::Deserialize;
use serde_json::Value;

use context::{confirm::confirm, git, project::Project, report};
use engine::{Engine, database_branch::switch};

/// Manage the copies of the database for git branches; see docs/branches.md
#[derive(Subcommand)]
pub(crate) enum Command {
    /// List the copies, and report the deleted branches
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Switch to the copy of a branch, and create the copy if it does not exist
    Switch {
        /// The branch [default: the current branch]
        name: Option<String>,
    },
    /// Drop the copies whose branch was deleted
    Prune {
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
    /// Switch after a git checkout, if DATABASE_BRANCHES=git and a stack is running
    #[command(hide = true)]
    Follow,
}

/// The output of `migrate branch list --json`.
#[derive(Deserialize)]
struct Copies {
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
            Self::List { json } => list(project, &*engine, json)?,
            Self::Switch { name } => {
                let name = name.or_else(|| git::branch(project));
                let name = name.context("no branch is checked out: pass the name of a branch")?;
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
        // Nothing is done here, because the next `up` switches the database.
        return Ok(ExitCode::SUCCESS);
    };
    if !state.production {
        report::note(&switch(project, &*engine, &name, false)?);
    }
    Ok(ExitCode::SUCCESS)
}

fn list(project: &Project, engine: &dyn Engine, json: bool) -> anyhow::Result<()> {
    // Without git, it is unknown which branches were deleted, so none is listed as deleted.
    let has_git = !git::branches(project).is_empty();
    let deleted = if has_git { deleted(project, engine)? } else { Vec::new() };
    if json {
        let output = engine.migrate_output(&["branch", "list", "--json"], false)?;
        let mut list: Value = serde_json::from_str(&output)?;
        list["deleted"] = deleted.into();
        return report::json(&list);
    }
    report::line(engine.migrate_output(&["branch", "list"], false)?.trim_end());
    if !deleted.is_empty() {
        let names = deleted.join(", ");
        report::note(&format!(
            "branches that no longer exist in git: {names}. Run `cargo xtask db branch prune` to drop their copies."
        ));
    }
    Ok(())
}

fn prune(project: &Project, engine: &dyn Engine, yes: bool) -> anyhow::Result<()> {
    let deleted = deleted(project, engine)?;
    if deleted.is_empty() {
        report::line("nothing to drop: each copy belongs to a branch in git");
        return Ok(());
    }
    confirm(&format!("This drops the databases of {}.", deleted.join(", ")), yes)?;
    let names = deleted.iter().map(String::as_str);
    let arguments: Vec<_> = ["branch", "delete"].into_iter().chain(names).collect();
    report::line(engine.migrate_output(&arguments, false)?.trim_end());
    Ok(())
}

/// Returns the branches that have a copy and no longer exist in git.
fn deleted(project: &Project, engine: &dyn Engine) -> anyhow::Result<Vec<String>> {
    let list: Copies =
        serde_json::from_str(&engine.migrate_output(&["branch", "list", "--json"], false)?)?;
    let branches = git::branches(project);
    if branches.is_empty() {
        bail!("git does not list any branches");
    }
    let is_deleted =
        |name: &String| !branches.contains(name) && list.current.as_ref() != Some(name);
    Ok(list.copies.into_iter().map(|copy| copy.name).filter(is_deleted).collect())
}
