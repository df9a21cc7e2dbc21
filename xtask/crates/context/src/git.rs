//! Reads information about this checkout from git. Results are empty without git or a repository.

use std::{process::Command, time::Duration};

use crate::{process, project::Project};

const TIMEOUT: Duration = Duration::from_secs(10);

/// Returns the current branch. None during a rebase and with a detached HEAD.
pub fn branch(project: &Project) -> Option<String> {
    ask(project, &["symbolic-ref", "--quiet", "--short", "HEAD"])
}

/// Returns the branch that was checked out before the current one.
pub fn branch_before(project: &Project) -> Option<String> {
    ask(project, &["rev-parse", "--abbrev-ref", "@{-1}"])
}

/// Returns all local branches.
pub fn branches(project: &Project) -> Vec<String> {
    let names = ask(project, &["for-each-ref", "--format=%(refname:short)", "refs/heads"]);
    names.unwrap_or_default().lines().map(str::to_owned).collect()
}

/// Returns all branches except `branch`. The branch that lacks the fewest commits of HEAD is the first.
pub fn parents(project: &Project, branch: &str) -> Vec<String> {
    // Requires git 2.41. With an older git, the result is empty.
    let format = "--format=%(ahead-behind:HEAD) %(refname:short)";
    let output = ask(project, &["for-each-ref", format, "refs/heads"]).unwrap_or_default();
    let mut found: Vec<(u32, u32, &str)> = output
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            let (ahead, behind) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
            Some((behind, ahead, words.next()?))
        })
        .filter(|(_, _, name)| *name != branch)
        .collect();
    found.sort_unstable();
    found.into_iter().map(|(_, _, name)| name.to_owned()).collect()
}

/// Returns the folder of the git hooks.
pub fn hooks(project: &Project) -> Option<std::path::PathBuf> {
    ask(project, &["rev-parse", "--git-path", "hooks"]).map(|path| project.root.join(path))
}

/// Returns the output of git. None if git fails or prints nothing.
fn ask(project: &Project, arguments: &[&str]) -> Option<String> {
    output(project, arguments).filter(|output| !output.is_empty())
}

/// Returns the output of git. None if git fails.
pub fn output(project: &Project, arguments: &[&str]) -> Option<String> {
    let mut git = Command::new("git");
    git.arg("-C").arg(&project.root).args(arguments);
    // In a git hook, these variables can point to another worktree.
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        git.env_remove(variable);
    }
    process::probe(&mut git, TIMEOUT).ok()
}
