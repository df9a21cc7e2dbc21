//! Questions to git about this checkout. Without git or a repository there are no answers.

use std::{process::Command, time::Duration};

use crate::{process, project::Project};

/// It only looks.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The branch that is checked out; none in the middle of a rebase, or on a tag.
pub fn branch(project: &Project) -> Option<String> {
    ask(project, &["symbolic-ref", "--quiet", "--short", "HEAD"])
}

/// The branch that was checked out before.
pub fn branch_before(project: &Project) -> Option<String> {
    ask(project, &["rev-parse", "--abbrev-ref", "@{-1}"])
}

/// All branches.
pub fn branches(project: &Project) -> Vec<String> {
    let names = ask(project, &["for-each-ref", "--format=%(refname:short)", "refs/heads"]);
    names.unwrap_or_default().lines().map(str::to_owned).collect()
}

/// All branches but the one checked out, the one first that it left last: by the commits that it has and they have not.
pub fn parents(project: &Project, branch: &str) -> Vec<String> {
    // Since git 2.41; an older one says nothing.
    let format = "--format=%(ahead-behind:HEAD) %(refname:short)";
    let said = ask(project, &["for-each-ref", format, "refs/heads"]).unwrap_or_default();
    let mut found: Vec<(u32, u32, &str)> = said
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

/// The folder of the hooks.
pub fn hooks(project: &Project) -> Option<std::path::PathBuf> {
    ask(project, &["rev-parse", "--git-path", "hooks"]).map(|path| project.root.join(path))
}

/// What git says, if that is anything.
fn ask(project: &Project, arguments: &[&str]) -> Option<String> {
    output(project, arguments).filter(|said| !said.is_empty())
}

/// What git says, if it has no error to tell.
pub fn output(project: &Project, arguments: &[&str]) -> Option<String> {
    let mut git = Command::new("git");
    git.arg("-C").arg(&project.root).args(arguments);
    // A hook of another worktree must not decide which one this is about.
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        git.env_remove(variable);
    }
    process::probe(&mut git, TIMEOUT).ok()
}
