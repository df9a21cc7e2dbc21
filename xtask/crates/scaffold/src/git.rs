//! Runs git without the environment variables that select another repository.

use std::{
    path::Path,
    process::{Command, Stdio},
};

/// Returns a git command that runs in `folder`.
pub(crate) fn command(folder: &Path) -> Command {
    let mut git = Command::new("git");
    git.current_dir(folder);
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        git.env_remove(variable);
    }
    git
}

/// Returns the output of git, or an empty string if git fails.
pub(crate) fn output(folder: &Path, arguments: &[&str]) -> String {
    let output = command(folder).args(arguments).stderr(Stdio::null()).output();
    output
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        .unwrap_or_default()
}
