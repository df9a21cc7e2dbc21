//! `cargo xtask openapi`: writes the OpenAPI document to a file and reports breaking changes.

use std::{
    fs,
    path::PathBuf,
    process::{Command, ExitCode},
};

use anyhow::{Context, bail};
use serde::Serialize;
use serde_json::Value;
use xshell::cmd;

use context::{process, project::Project, report};

const FILE: &str = "openapi.json";

/// Write openapi.json, or check the API for breaking changes
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Fail if the API has breaking changes or differs from openapi.json; do not write the file
    #[arg(long)]
    check: bool,
    /// Compare with openapi.json of COMMIT (a commit, branch or tag) instead of the file
    #[arg(long, value_name = "COMMIT")]
    against: Option<String>,
    /// Read the OpenAPI document from this API binary instead of building the API
    #[arg(long, value_name = "PATH")]
    binary: Option<PathBuf>,
    /// Print the result of --check as JSON
    #[arg(long, requires = "check")]
    json: bool,
}

/// The output of `--check --json`.
#[derive(Serialize)]
struct Report {
    ok: bool,
    /// True if openapi.json matches the API.
    current: bool,
    /// The changes that break clients.
    breaking: Vec<String>,
}

/// Writes openapi.json.
///
/// # Errors
/// The API does not compile.
pub(super) fn write(project: &Project) -> anyhow::Result<()> {
    Args { check: false, against: None, binary: None, json: false }.run(project).map(|_| ())
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
        let now = now.context("cannot print the OpenAPI document of the API")? + "\n";
        let before = match &self.against {
            Some(commit) => {
                let place = format!("{commit}:{FILE}");
                Some(
                    cmd!(sh, "git show {place}")
                        .read()
                        .with_context(|| format!("cannot read {place} from git"))?
                        + "\n",
                )
            }
            None => fs::read_to_string(project.path(FILE)).ok(),
        };
        if self.json {
            let report = Report::of(before.as_deref(), &now)?;
            report::json(&report)?;
            return Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        if self.check {
            check(before.as_deref(), &now)?;
            report::line(&format!("{FILE} is up to date, without breaking changes"));
            return Ok(ExitCode::SUCCESS);
        }
        for change in changes(before.as_deref(), &now)? {
            report::note(&format!("breaking change: {change}"));
        }
        fs::write(project.path(FILE), &now).with_context(|| format!("cannot write {FILE}"))?;
        report::line(&format!("wrote {FILE}"));
        Ok(ExitCode::SUCCESS)
    }
}

impl Report {
    fn of(before: Option<&str>, now: &str) -> anyhow::Result<Self> {
        let breaking = changes(before, now)?;
        let current = before.map(str::trim) == Some(now.trim());
        Ok(Self { ok: current && breaking.is_empty(), current, breaking })
    }
}

fn check(before: Option<&str>, now: &str) -> anyhow::Result<()> {
    if before.is_none() {
        bail!("{FILE} does not exist. Run `cargo xtask openapi` to write the file.");
    }
    let Report { current, breaking, .. } = Report::of(before, now)?;
    if !breaking.is_empty() {
        bail!(
            "the API has breaking changes:\n  {}\nIf the changes are intended, run `cargo xtask openapi` and \
             commit {FILE} with them.",
            breaking.join("\n  ")
        );
    }
    if !current {
        bail!("{FILE} is out of date. Run `cargo xtask openapi` to update the file.");
    }
    Ok(())
}

fn changes(before: Option<&str>, now: &str) -> anyhow::Result<Vec<String>> {
    let Some(before) = before else { return Ok(Vec::new()) };
    let before: Value = serde_json::from_str(before).with_context(|| {
        format!("{FILE} is not valid JSON. Run `git checkout {FILE}` to restore the committed file")
    })?;
    Ok(openapi_diff::breaking(&before, &serde_json::from_str(now)?))
}
