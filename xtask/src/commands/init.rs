//! `cargo xtask init`: turns a clone of the template into a project.

mod template;

use std::{
    fs,
    process::{Command, ExitCode},
};

use anyhow::{Context, bail};

use super::down;
use context::{confirm::confirm, env_file, git, process, project::Project, report};

/// Turn this clone of the template into your own project
///
/// Renames titles, database, images and folders, sets the copyright holder, and removes texts about the template.
/// Replaces the git history with one commit and renames the remote `origin` to `template`. Removes the template's
/// stack and its data, after a confirmation.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The project name in lower-case letters, digits and `_`, such as order_service
    name: String,
    /// The copyright holder [default: `user.name` of git]
    #[arg(long)]
    holder: Option<String>,
    /// Do not ask for confirmation before the template's stack is removed
    #[arg(long)]
    yes: bool,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let name = &self.name;
        if let Some(name) = template::name_of(&project.root)? {
            report::line(&format!("already done: this project is {name}"));
            return Ok(ExitCode::SUCCESS);
        }
        template::check_name(name, &project.root).map_err(anyhow::Error::msg)?;
        let files = check_repository(project)?;
        let holder = self.holder(project)?;
        self.remove_stack(project)?;
        let done = template::apply(&project.root, &files, name, &holder)
            .and_then(|()| commit(project, name));
        if let Err(error) = done {
            // This reset loses nothing, because `check_repository` rejects checkouts with uncommitted changes.
            ask(project, &["reset", "--quiet", "--hard"])?;
            return Err(error.context("no file and no commit was changed"));
        }
        rename_remote(project)?;
        rename_database(project, name)?;
        report::line(&format!("this project is now {}, in one commit", template::title(name)));
        report::next("cargo xtask up", "start the stack");
        report::next("cargo test", "run the tests");
        report::next("cargo xtask new resource", "generate the first resource");
        report::next("git remote add origin URL", "set the remote of the project");
        Ok(ExitCode::SUCCESS)
    }

    /// Returns the copyright holder.
    ///
    /// # Errors
    /// The holder is unknown, or git does not have an author identity.
    fn holder(&self, project: &Project) -> anyhow::Result<String> {
        if ask(project, &["var", "GIT_AUTHOR_IDENT"]).is_err() {
            bail!(
                "git does not have an author identity. Set `git config --global user.name` and `user.email`."
            );
        }
        let user = git::output(project, &["config", "user.name"]);
        match self.holder.clone().or(user).unwrap_or_default() {
            holder if holder.trim().is_empty() => {
                bail!("the copyright holder is missing. Pass --holder.")
            }
            holder => Ok(holder),
        }
    }

    /// Removes the stack with the template's name, its data, and the folder of the running stack.
    fn remove_stack(&self, project: &Project) -> anyhow::Result<()> {
        let folder = project.runtime("");
        if !folder.exists() {
            return Ok(());
        }
        confirm(
            "A stack with the template's name exists. This removes its database and all its rows.",
            self.yes,
        )?;
        down::Args::with_volumes().run(project)?;
        fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))
    }
}

/// Returns the output of git.
fn ask(project: &Project, arguments: &[&str]) -> anyhow::Result<String> {
    process::output(git(project).args(arguments))
}

/// Returns a git command that does not run hooks.
fn git(project: &Project) -> Command {
    let mut git = git::command(&project.root);
    git.args(["-c", "core.hooksPath=/dev/null"]);
    git
}

/// Returns the files that git tracks.
///
/// # Errors
/// The repository is not only this checkout, or changes could be lost.
fn check_repository(project: &Project) -> anyhow::Result<Vec<String>> {
    let folder = ask(project, &["rev-parse", "--absolute-git-dir"])
        .context("this is not a git checkout; clone the template with git")?;
    let own = project.path(".git").canonicalize().ok();
    if own.is_none() || fs::canonicalize(&folder).ok() != own {
        bail!(
            "this folder is part of another git repository, {folder}, and `init` would replace its history. \
             Clone the template with git."
        );
    }
    let worktrees = ask(project, &["worktree", "list", "--porcelain"])?;
    if worktrees.lines().filter(|line| line.starts_with("worktree ")).count() > 1 {
        bail!(
            "other worktrees use this repository. Remove them with `git worktree remove`:\n{worktrees}"
        );
    }
    let remotes = ask(project, &["remote"])?;
    if ["origin", "template"].iter().all(|name| remotes.lines().any(|remote| remote == *name)) {
        bail!(
            "`init` renames the remote origin to template, which exists. Rename or remove a remote."
        );
    }
    let changes = ask(project, &["status", "--porcelain", "--untracked-files=all"])?;
    if !changes.is_empty() {
        bail!(
            "some changes are not committed. Commit them or run `git stash --include-untracked`:\n{changes}"
        );
    }
    // Each entry is a letter, a space and a path. Any letter except H means that git ignores changes of the file.
    let tracked = ask(project, &["ls-files", "-v", "-z"])?;
    let tracked = tracked.split('\0').filter_map(|entry| entry.split_once(' '));
    tracked
        .map(|(state, file)| {
            if state != "H" {
                bail!(
                    "git hides changes of {file}. Run `git sparse-checkout disable` and \
                     `git update-index --no-assume-unchanged --no-skip-worktree {file}`."
                );
            }
            Ok(file.to_owned())
        })
        .collect()
}

/// Commits the tracked files as the first commit of `main`. Ignored files stay as they are.
fn commit(project: &Project, name: &str) -> anyhow::Result<()> {
    // Formats the code, because the new name changes the length of lines.
    process::run(&mut project.cargo(&["fmt", "--all"]))?;
    // Adds only tracked files, because .gitignore does not contain the new names of ignored folders.
    ask(project, &["add", "--update"])?;
    let tree = ask(project, &["write-tree"])?;
    let message = format!("Begin {}", template::title(name));
    let commit = ask(project, &["commit-tree", &tree, "-m", &message])?;
    let before = git::branch(project).map(|name| format!("refs/heads/{name}"));
    let tags = ask(project, &["for-each-ref", "--format=%(refname)", "refs/tags"])?;
    let before = before.filter(|branch| branch != "refs/heads/main");
    let old = tags.lines().map(str::to_owned).chain(before);
    let changes = [format!("update refs/heads/main {commit}\n")]
        .into_iter()
        .chain(old.map(|name| format!("delete {name}\n")));
    // `update-ref --stdin` is a transaction, so it changes all references or none.
    process::run_with_input(
        git(project).args(["update-ref", "--stdin"]),
        &changes.collect::<String>(),
    )?;
    ask(project, &["symbolic-ref", "HEAD", "refs/heads/main"])?;
    Ok(())
}

fn rename_remote(project: &Project) -> anyhow::Result<()> {
    if ask(project, &["remote"])?.lines().any(|remote| remote == "origin") {
        ask(project, &["remote", "rename", "origin", "template"])?;
    }
    Ok(())
}

/// Gives the database in an existing `.env` the new name. Its old data was removed with the stack.
fn rename_database(project: &Project, name: &str) -> anyhow::Result<()> {
    if !env_file::path(&project.root).exists() {
        return Ok(());
    }
    env_file::set(&project.root, &[("POSTGRES_DB", name), ("POSTGRES_USER", name)])
}
