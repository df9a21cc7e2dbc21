//! `cargo xtask openapi`: the API's document as a file, and what a change to it breaks.

use std::{
    fs,
    path::PathBuf,
    process::{Command, ExitCode},
};

use anyhow::{Context, bail};
use serde_json::Value;
use xshell::cmd;

use context::{process, project::Project, report};

const FILE: &str = "openapi.json";

/// Write openapi.json, the API's document; or check what a change to the API breaks
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write nothing; fail if a change breaks clients, or if openapi.json is not what the API says
    #[arg(long)]
    check: bool,
    /// Compare with openapi.json of this commit, branch or tag instead of the file
    #[arg(long, value_name = "COMMIT")]
    against: Option<String>,
    /// Ask this binary of the API, rather than one that is built now
    #[arg(long, value_name = "PATH")]
    binary: Option<PathBuf>,
}

/// Writes openapi.json.
///
/// # Errors
/// The API does not compile.
pub(super) fn write(project: &Project) -> anyhow::Result<()> {
    Args { check: false, against: None, binary: None }.run(project).map(|_| ())
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let sh = &project.shell;
        let mut print = if let Some(api) = &self.binary {
            Command::new(project.root.join(api))
        } else {
            project.cargo(&["run", "--quiet", "--locked", "--bin", "dev-api", "--"])
        };
        let now = process::output(print.arg("openapi"));
        let now = now.context("the API does not print its document")? + "\n";
        let before = match &self.against {
            Some(commit) => {
                let place = format!("{commit}:{FILE}");
                Some(
                    cmd!(sh, "git show {place}")
                        .read()
                        .with_context(|| format!("git has no {place}"))?
                        + "\n",
                )
            }
            None => fs::read_to_string(project.path(FILE)).ok(),
        };
        if self.check {
            check(before.as_deref(), &now)?;
            report::line(&format!("{FILE} is what the API says, and nothing breaks"));
            return Ok(ExitCode::SUCCESS);
        }
        for change in changes(before.as_deref(), &now)? {
            report::note(&format!("this breaks clients: {change}"));
        }
        fs::write(project.path(FILE), &now).with_context(|| FILE.to_owned())?;
        report::line(&format!("wrote {FILE}"));
        Ok(ExitCode::SUCCESS)
    }
}

fn check(before: Option<&str>, now: &str) -> anyhow::Result<()> {
    if before.is_none() {
        bail!("there is no {FILE} yet: `cargo xtask openapi` writes it");
    }
    let changes = changes(before, now)?;
    if !changes.is_empty() {
        bail!(
            "these changes break clients:\n  {}\nif they may, `cargo xtask openapi` writes them into \
             {FILE}, for the commit that makes them",
            changes.join("\n  ")
        );
    }
    if before.map(str::trim) != Some(now.trim()) {
        bail!("{FILE} is stale, though nothing breaks: `cargo xtask openapi` writes it");
    }
    Ok(())
}

fn changes(before: Option<&str>, now: &str) -> anyhow::Result<Vec<String>> {
    let Some(before) = before else { return Ok(Vec::new()) };
    let before: Value = serde_json::from_str(before).with_context(|| {
        format!("{FILE} is no JSON; `git checkout {FILE}` brings back what was committed")
    })?;
    Ok(openapi_diff::breaking(&before, &serde_json::from_str(now)?))
}
