//! Runs the generator of source files. cargo builds it on demand, so that the first `cargo xtask` builds quickly.

use anyhow::bail;
use context::{project::Project, report};
use serde::Deserialize;

/// The changes to the source files, as the generator reports them.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Changes {
    /// The path of each file with its kind of change: `wrote`, `changed` or `removed`.
    pub(crate) steps: Vec<(String, String)>,
    /// The domain of a new resource.
    pub(crate) domain: String,
    /// The reason for the choice of the domain, as a phrase.
    pub(crate) reason: String,
    /// The name of the test of a new resource.
    pub(crate) test: String,
    /// The number of the first migration of a removed resource. Databases must be migrated below this number before
    /// the files are removed, because the down migrations are among these files.
    pub(crate) first_migration: i32,
    /// The files to remove that have uncommitted changes.
    pub(crate) uncommitted: Vec<String>,
}

/// Returns the changes without making them.
///
/// # Errors
/// The request is invalid, or the source files do not have the expected form.
pub(crate) fn plan(project: &Project, command: &str, request: &str) -> anyhow::Result<Changes> {
    run(project, "plan", command, request)
}

/// Makes all changes, or none if an error occurs.
///
/// # Errors
/// Returns the errors of [`plan`]. Also fails if a file cannot be written.
pub(crate) fn write(project: &Project, command: &str, request: &str) -> anyhow::Result<Changes> {
    run(project, "write", command, request)
}

fn run(project: &Project, mode: &str, command: &str, request: &str) -> anyhow::Result<Changes> {
    report::stage(mode, || {
        let arguments = ["run", "--quiet", "--locked", "--bin", "scaffold", "--", mode];
        let mut scaffold = project.cargo(&arguments);
        let output = scaffold.arg(&project.root).args([command, request]).output()?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
        }
        let changes: Changes = serde_json::from_slice(&output.stdout)?;
        let files = format!("{} files", changes.steps.len());
        Ok((changes, files))
    })
}
