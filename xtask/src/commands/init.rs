//! `cargo xtask init`: from the template to a project.

use std::{fs, process::ExitCode};

use anyhow::{Context, bail};
use xshell::{Shell, cmd};

use context::{project::Project, report};
use scaffold::init;

/// Make this clone of the template a project of your own: its name, its licence holder, one commit
///
/// Titles, database, images and folders get the name; what is about the template itself goes. The
/// history begins anew, and the remote `origin` becomes `template`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Words of small letters and digits, joined by `_`: `order_service`
    name: String,
    /// Who holds the copyright; the default is git's `user.name`
    #[arg(long)]
    holder: Option<String>,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let (sh, name) = (&project.shell, &self.name);
        if let Some(name) = init::name_of(&project.root)? {
            report::line(&format!("it has been done: this is {name}"));
            return Ok(ExitCode::SUCCESS);
        }
        init::check_name(name).map_err(anyhow::Error::msg)?;
        let holder = self.check(project)?;
        let files = cmd!(sh, "git ls-files").read()?;
        let done =
            init::apply(&project.root, &files, name, &holder).and_then(|()| commit(sh, name));
        if let Err(error) = done {
            // Nothing but what this did is lost: there were no changes before.
            cmd!(sh, "git reset --quiet --hard").quiet().run()?;
            return Err(error.context("nothing was changed"));
        }
        report::line(&format!("this is {} now, in one commit", init::title(name)));
        report::next("cargo xtask up", "brings it up");
        report::next("cargo test", "is green");
        report::next("cargo xtask new resource", "writes the first resource");
        report::next("git remote add origin URL", "for where it goes to");
        Ok(ExitCode::SUCCESS)
    }

    /// # Errors
    /// Something could be lost, or there is nobody to commit it.
    fn check(&self, project: &Project) -> anyhow::Result<String> {
        let sh = &project.shell;
        let top = cmd!(sh, "git rev-parse --show-toplevel")
            .quiet()
            .ignore_stderr()
            .read()
            .context("this is not a git checkout; clone the template with git")?;
        if fs::canonicalize(&top).ok() != fs::canonicalize(&project.root).ok() {
            bail!(
                "this folder is part of another git repository, {top}, whose history `init` would replace; \
                 clone the template with git"
            );
        }
        let changes = cmd!(sh, "git status --porcelain").quiet().read()?;
        if !changes.is_empty() {
            bail!(
                "there are changes that are not committed: `git stash --include-untracked` or commit them\n{changes}"
            );
        }
        if project.runtime("").exists() {
            bail!(
                "a stack has run here under the template's name: `cargo xtask down --volumes`, then \
                 remove {}",
                project.runtime("").display()
            );
        }
        let user = cmd!(sh, "git config user.name").quiet().ignore_status().read()?;
        let identity = cmd!(sh, "git var GIT_AUTHOR_IDENT").quiet().ignore_stderr().read();
        if identity.is_err() {
            bail!(
                "git does not know who you are: `git config --global user.name` and `user.email`"
            );
        }
        match self.holder.clone().unwrap_or(user) {
            holder if holder.trim().is_empty() => bail!("say who holds the copyright by --holder"),
            holder => Ok(holder),
        }
    }
}

/// The files as they are, as the first commit of `main`.
fn commit(sh: &Shell, name: &str) -> anyhow::Result<()> {
    // Other names may make lines shorter or longer.
    cmd!(sh, "cargo fmt --all").quiet().run()?;
    cmd!(sh, "git add --all").quiet().run()?;
    let tree = cmd!(sh, "git write-tree").quiet().read()?;
    let message = format!("Begin {}", init::title(name));
    let commit = cmd!(sh, "git commit-tree {tree} -m {message}").quiet().read()?;
    // From here on nothing can fail that would leave half of it.
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
