//! `cargo xtask init`: turns a clone of the template into a project.

use std::{fs, process::ExitCode};

use anyhow::{Context, bail};
use xshell::{Shell, cmd};

use context::{project::Project, report};
use scaffold::init;

/// Turn this clone of the template into your own project
///
/// Renames titles, database, images and folders, sets the copyright holder, and removes texts about the template.
/// Replaces the git history with one commit and renames the remote `origin` to `template`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The project name in lower-case letters, digits and `_`, such as order_service
    name: String,
    /// The copyright holder [default: `user.name` of git]
    #[arg(long)]
    holder: Option<String>,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let (sh, name) = (&project.shell, &self.name);
        if let Some(name) = init::name_of(&project.root)? {
            report::line(&format!("already done: this project is {name}"));
            return Ok(ExitCode::SUCCESS);
        }
        init::check_name(name).map_err(anyhow::Error::msg)?;
        let holder = self.check(project)?;
        let files = cmd!(sh, "git ls-files").read()?;
        let done =
            init::apply(&project.root, &files, name, &holder).and_then(|()| commit(sh, name));
        if let Err(error) = done {
            // This reset is safe, because `check` requires a checkout without changes.
            cmd!(sh, "git reset --quiet --hard").quiet().run()?;
            return Err(error.context("nothing was changed"));
        }
        report::line(&format!("this project is now {}, in one commit", init::title(name)));
        report::next("cargo xtask up", "start the stack");
        report::next("cargo test", "run the tests");
        report::next("cargo xtask new resource", "generate the first resource");
        report::next("git remote add origin URL", "set the remote of the project");
        Ok(ExitCode::SUCCESS)
    }

    /// Returns the copyright holder.
    ///
    /// # Errors
    /// Changes or data could be lost, or git does not have an author identity.
    fn check(&self, project: &Project) -> anyhow::Result<String> {
        let sh = &project.shell;
        let top = cmd!(sh, "git rev-parse --show-toplevel")
            .quiet()
            .ignore_stderr()
            .read()
            .context("this is not a git checkout; clone the template with git")?;
        if fs::canonicalize(&top).ok() != fs::canonicalize(&project.root).ok() {
            bail!(
                "this folder is part of another git repository, {top}, and `init` would replace its history. \
                 Clone the template with git."
            );
        }
        let changes = cmd!(sh, "git status --porcelain").quiet().read()?;
        if !changes.is_empty() {
            bail!(
                "some changes are not committed. Commit them or run `git stash --include-untracked`:\n{changes}"
            );
        }
        if project.runtime("").exists() {
            bail!(
                "a stack with the template's name exists. Run `cargo xtask down --volumes`, then remove {}",
                project.runtime("").display()
            );
        }
        let user = cmd!(sh, "git config user.name").quiet().ignore_status().read()?;
        let identity = cmd!(sh, "git var GIT_AUTHOR_IDENT").quiet().ignore_stderr().read();
        if identity.is_err() {
            bail!(
                "git does not have an author identity. Set `git config --global user.name` and `user.email`."
            );
        }
        match self.holder.clone().unwrap_or(user) {
            holder if holder.trim().is_empty() => {
                bail!("the copyright holder is missing: pass --holder")
            }
            holder => Ok(holder),
        }
    }
}

/// Commits all files as the first commit of `main`.
fn commit(sh: &Shell, name: &str) -> anyhow::Result<()> {
    // The new name changes the length of lines.
    cmd!(sh, "cargo fmt --all").quiet().run()?;
    cmd!(sh, "git add --all").quiet().run()?;
    let tree = cmd!(sh, "git write-tree").quiet().read()?;
    let message = format!("Begin {}", init::title(name));
    let commit = cmd!(sh, "git commit-tree {tree} -m {message}").quiet().read()?;
    // The commit exists, so a failure from here on cannot leave a half-done change.
    let before = cmd!(sh, "git branch --show-current").quiet().read()?;
    cmd!(sh, "git checkout --quiet -B main {commit}").quiet().run()?;
    if !before.is_empty() && before != "main" {
        cmd!(sh, "git branch --quiet -D {before}").quiet().run()?;
    }
    for tag in cmd!(sh, "git tag").quiet().read()?.lines() {
        cmd!(sh, "git tag --delete {tag}").quiet().ignore_stdout().run()?;
    }
    if cmd!(sh, "git remote").quiet().read()?.lines().any(|remote| remote == "origin") {
        cmd!(sh, "git remote rename origin template").quiet().ignore_stderr().run()?;
    }
    Ok(())
}
