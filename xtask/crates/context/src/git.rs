//! Reads information about this checkout from git. Results are empty without git or a repository.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::{process, project::Project};

const TIMEOUT: Duration = Duration::from_secs(10);
/// The variables that select another repository. git sets some of these variables for hooks.
const REPOSITORY: [&str; 10] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_CEILING_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];
/// Values that override settings of the user, because these settings would change the output of git.
const OUTPUT: [&str; 5] = [
    "color.ui=false",
    "column.ui=never",
    "core.quotePath=false",
    "log.showSignature=false",
    "status.showUntrackedFiles=all",
];

/// Returns the current branch, or `None` during a rebase and with a detached HEAD.
pub fn branch(project: &Project) -> Option<String> {
    ask(project, &["symbolic-ref", "--quiet", "--short", "HEAD"])
}

/// Returns the branch that was checked out before the current branch.
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
    // This format requires git 2.41. An older git fails, and the result is empty.
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

/// Returns the folder of the hooks that git runs, and whether the folder belongs to this repository.
/// `core.hooksPath` can select a folder of the user or of the source.
pub fn hooks(project: &Project) -> Option<(PathBuf, bool)> {
    let path = |arguments: &[&str]| ask(project, arguments).map(|path| project.root.join(path));
    let hooks = path(&["rev-parse", "--git-path", "hooks"])?;
    let own = path(&["rev-parse", "--git-common-dir"])?.join("hooks");
    let is_own = normal(&hooks) == normal(&own);
    Some((hooks, is_own))
}

/// Returns the path without symbolic links in the folder, which need not contain the last component.
fn normal(path: &Path) -> Option<PathBuf> {
    Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?))
}

/// Returns the output of git. Returns `None` if git fails or prints nothing.
fn ask(project: &Project, arguments: &[&str]) -> Option<String> {
    output(project, arguments).filter(|output| !output.is_empty())
}

/// Returns the output of git. Returns `None` if git fails.
pub fn output(project: &Project, arguments: &[&str]) -> Option<String> {
    process::probe(command(&project.root).args(arguments), TIMEOUT).ok()
}

/// Returns a git command for the repository of `folder`, independent of the settings of the user.
pub fn command(folder: &Path) -> Command {
    let mut git = Command::new("git");
    for variable in REPOSITORY {
        git.env_remove(variable);
    }
    for setting in OUTPUT {
        git.args(["-c", setting]);
    }
    git.env("LC_ALL", "C").current_dir(folder);
    git
}

#[cfg(test)]
mod tests {
    use std::{env, fs};

    use super::{command, hooks};
    use crate::{process, project::Project};

    #[test]
    fn hooks_reports_whether_the_folder_belongs_to_the_repository() {
        let root = env::temp_dir().join(format!("git-hooks-{}", std::process::id()));
        let elsewhere = root.join("elsewhere");
        fs::create_dir_all(root.join("checkout")).expect("the folder can be created");
        let project = Project::at(&root.join("checkout")).expect("the folder exists");
        let git = |arguments: &[&str]| {
            process::output(command(&project.root).args(arguments)).expect("git succeeds")
        };
        git(&["init", "--quiet"]);
        git(&["config", "core.hooksPath", ".git/hooks"]);
        assert!(hooks(&project).is_some_and(|(_, is_own)| is_own));
        git(&["config", "core.hooksPath", &elsewhere.to_string_lossy()]);
        assert_eq!(hooks(&project), Some((elsewhere, false)));
        fs::remove_dir_all(&root).expect("the folder can be removed");
    }

    #[test]
    fn command_ignores_the_repository_of_a_hook() {
        let git = command("/".as_ref());
        let removed: Vec<_> = git.get_envs().filter(|(_, value)| value.is_none()).collect();
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR"] {
            assert!(removed.contains(&(name.as_ref(), None)), "{name}: {removed:?}");
        }
    }
}
