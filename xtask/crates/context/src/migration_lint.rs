//! Runs the migration linter, which cargo builds on demand.

use std::{fmt::Display, process::Command};

use anyhow::bail;

use crate::project::Project;

/// Returns the command that runs the linter with these arguments.
pub fn command(project: &Project, arguments: &[String]) -> Command {
    let mut run = project.cargo(&["run", "--quiet", "--locked", "--bin", "migration-lint", "--"]);
    run.arg("--root").arg(&project.root).args(arguments);
    run
}

/// Checks the migrations after `version` and returns the report.
///
/// # Errors
/// Returns the report as an error if a migration would block or break a running system.
pub fn check_after(project: &Project, version: impl Display) -> anyhow::Result<String> {
    let output = command(project, &[format!("--applied={version}")]).output()?;
    let report = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if !output.status.success() {
        bail!("{report}{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(report)
}
