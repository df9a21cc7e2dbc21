//! `cargo xtask db branch`: a copy of the database for each git branch.

use std::{fs, process::ExitCode};

use anyhow::{Context, bail};
use clap::Subcommand;
use serde::Deserialize;

use crate::{
    commands::confirm,
    engine::{self, Engine},
    git,
    project::Project,
    report,
    settings::Settings,
};

/// What git runs after a switch, in every worktree. The binary, and not cargo: a switch must not wait for a compiler.
/// It never fails: the switch is done.
const HOOK: &str = "\
#!/bin/sh
# With DATABASE_BRANCHES=git in .env, the database follows the branch: docs/branches.md.
xtask=${CARGO_TARGET_DIR:-target}/debug/xtask
if [ \"$3\" = 1 ] && [ -d xtask ] && [ -x \"$xtask\" ]; then
    CARGO_MANIFEST_DIR=\"$PWD/xtask\" \"$xtask\" db branch follow
fi
exit 0
";

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

/// With DATABASE_BRANCHES=git, puts the copy of the branch that is checked out in use, before it is migrated, and has
/// git do so at each switch. Returns what to say of it.
pub(crate) fn follow(
    project: &Project,
    engine: &dyn Engine,
    settings: &Settings,
    production: bool,
) -> anyhow::Result<Option<String>> {
    if !settings.database_branches || production {
        return Ok(None);
    }
    install_hook(project)?;
    let Some(name) = git::branch(project) else { return Ok(None) };
    Ok(Some(switch(project, engine, &name, true)?))
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

/// Has the migration tool do it, and returns what it said.
fn switch(
    project: &Project,
    engine: &dyn Engine,
    name: &str,
    apart: bool,
) -> anyhow::Result<String> {
    let (left, parents) = (git::branch_before(project), git::parents(project, name));
    let mut arguments = vec!["branch", "switch", name];
    arguments.extend(left.iter().flat_map(|left| ["--left", left]));
    arguments.extend(parents.iter().flat_map(|parent| ["--parent", parent]));
    Ok(engine.ask_migrate(&arguments, apart)?.trim_end().to_owned())
}

fn list(project: &Project, engine: &dyn Engine) -> anyhow::Result<()> {
    report::line(engine.ask_migrate(&["branch", "list"], false)?.trim_end());
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
    report::line(engine.ask_migrate(&arguments, false)?.trim_end());
    Ok(())
}

/// The branches that have a copy, and are not git's any more.
fn deleted(project: &Project, engine: &dyn Engine) -> anyhow::Result<Vec<String>> {
    let known: Known =
        serde_json::from_str(&engine.ask_migrate(&["branch", "list", "--json"], false)?)?;
    let branches = git::branches(project);
    if branches.is_empty() {
        bail!("git names no branch here");
    }
    let is_deleted =
        |name: &String| !branches.contains(name) && known.current.as_ref() != Some(name);
    Ok(known.copies.into_iter().map(|copy| copy.name).filter(is_deleted).collect())
}

fn install_hook(project: &Project) -> anyhow::Result<()> {
    let Some(hooks) = git::hooks(project) else { return Ok(()) };
    let path = hooks.join("post-checkout");
    match fs::read_to_string(&path) {
        Ok(text) if text.contains("db branch follow") => return Ok(()),
        Ok(_) => {
            report::note(&format!(
                "{} is yours: add `target/debug/xtask db branch follow` to it, or the database follows at the next `up` \
                 alone",
                path.display()
            ));
            return Ok(());
        }
        Err(_) => {}
    }
    let write = || {
        fs::create_dir_all(&hooks)?;
        fs::write(&path, HOOK)?;
        #[cfg(unix)]
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        std::io::Result::Ok(())
    };
    write().with_context(|| format!("cannot write {}", path.display()))?;
    report::note("git now has the database follow the branch, by .git/hooks/post-checkout");
    Ok(())
}
