//! Checks the migrations that are not released yet. `cargo xtask migrate check` runs this program.

use std::{
    fmt, fs,
    io::{self, Write as _},
    path::PathBuf,
    process::{Command, ExitCode},
};

use anyhow::bail;
use clap::Parser;
use migration_files::FOLDER;
use migration_lint::{File, Finding, Readers, lint};
use serde::Serialize;

/// Find migrations that would block or break a running system
#[derive(Parser)]
struct Cli {
    /// The folder of the repository
    #[arg(long, default_value = ".")]
    root: PathBuf,
    /// Check the migrations that this commit, branch or tag does not contain [default: the last tag v*, or the main
    /// branch]
    #[arg(long, value_name = "COMMIT")]
    since: Option<String>,
    /// Check the migrations after number N, the last migration that the database has
    #[arg(long, value_name = "N", conflicts_with = "since")]
    applied: Option<i32>,
    /// Check all migrations
    #[arg(long, conflicts_with_all = ["since", "applied"])]
    all: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The output of `--json`.
#[derive(Serialize)]
struct Report {
    ok: bool,
    /// The released version. `None` if there is no release.
    released: Option<String>,
    /// The number of checked migrations.
    checked: usize,
    findings: Vec<Finding>,
}

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok((report, true)) => print(&report, ExitCode::SUCCESS),
        Ok((report, false)) => print(&report, ExitCode::FAILURE),
        Err(error) => {
            // Errors are ignored, because stderr may be closed.
            let _ = writeln!(io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

impl Cli {
    /// Returns the report, and whether all checked migrations are safe.
    fn run(&self) -> anyhow::Result<(String, bool)> {
        let files = self.files()?;
        if let [problem, ..] = &migration_files::numbers(&migration_files::files(&self.root))[..] {
            bail!("{problem}");
        }
        let release = self.since.clone().or_else(|| self.release());
        let last = match (self.all, self.applied, &release) {
            (false, Some(applied), _) => applied,
            (false, None, Some(release)) => self.last_of(release)?,
            (true, ..) | (false, None, None) => 0,
        };
        let (released, pending): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|(version, _)| *version <= last);
        let files = |files: Vec<(i32, File)>| files.into_iter().map(|(_, file)| file).collect();
        let (released, pending): (Vec<_>, Vec<_>) = (files(released), files(pending));
        self.report(&released, &pending, release)
    }

    fn report(
        &self,
        before: &[File],
        pending: &[File],
        released: Option<String>,
    ) -> anyhow::Result<(String, bool)> {
        let readers = |name: &str| self.readers(released.as_deref().unwrap_or_default(), name);
        let readers: &Readers = &readers;
        let findings = lint(before, pending, released.is_some().then_some(readers));
        let (ok, checked) = (findings.is_empty(), pending.len());
        let report = Report { ok, released, checked, findings };
        let text = if self.json {
            serde_json::to_string_pretty(&report)? + "\n"
        } else {
            report.to_string()
        };
        Ok((text, ok))
    }

    fn files(&self) -> anyhow::Result<Vec<(i32, File)>> {
        let mut files = Vec::new();
        for name in migration_files::files(&self.root) {
            if let Some((version, _)) = migration_files::parse(&name) {
                let path = format!("{FOLDER}/{name}");
                let text = fs::read_to_string(self.root.join(&path))?;
                files.push((version, File { path, text }));
            }
        }
        files.sort_by_key(|(version, _)| *version);
        Ok(files)
    }

    /// Returns the last release tag, or the commit at which this branch left the main branch.
    fn release(&self) -> Option<String> {
        let tag = self.git(&["describe", "--tags", "--abbrev=0", "--match", "v*"]).ok();
        let branches = ["origin/HEAD", "origin/main", "main"].into_iter();
        let base =
            || branches.map(|name| self.git(&["merge-base", "HEAD", name])).find_map(Result::ok);
        tag.or_else(base)
    }

    /// Returns the number of the last migration of a release.
    fn last_of(&self, release: &str) -> anyhow::Result<i32> {
        let folder = format!("{FOLDER}/");
        let listed = self.git(&["ls-tree", "--name-only", release, &folder])?;
        let versions = listed
            .lines()
            .filter_map(|path| migration_files::parse(&file_name(path)).map(|it| it.0));
        Ok(versions.max().unwrap_or(0))
    }

    /// Returns the files of a release that contain queries and use a name.
    fn readers(&self, release: &str, name: &str) -> Vec<String> {
        let options = ["grep", "--word-regexp", "--name-only", "--fixed-strings", "-e", name];
        let places = [release, "--", "crates/domains", "crates/store/src", "crates/db/seeds"];
        let found = self.git(&[&options[..], &places].concat());
        found.map_or_else(|_| Vec::new(), |found| found.lines().map(str::to_owned).collect())
    }

    fn git(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = Command::new("git").arg("-C").arg(&self.root).args(arguments).output()?;
        if !output.status.success() {
            bail!(
                "git {}: {}",
                arguments.join(" "),
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let suffix = self.released.as_ref().map(|it| format!(" (released version: {it})"));
        let suffix = suffix.unwrap_or_default();
        if !self.ok {
            for finding in &self.findings {
                writeln!(f, "{finding}\n")?;
            }
            return writeln!(
                f,
                "To allow a finding, write `-- migrate: allow RULE: REASON` before the statement."
            );
        }
        match self.checked {
            0 => writeln!(f, "no new migrations{suffix}"),
            1 => writeln!(f, "the new migration is safe{suffix}"),
            number => writeln!(f, "the {number} new migrations are safe{suffix}"),
        }
    }
}

fn file_name(path: &str) -> String {
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

/// Prints the report. A closed pipe, such as that of `| head -1`, is not an error.
fn print(report: &str, code: ExitCode) -> ExitCode {
    match io::stdout().write_all(report.as_bytes()).and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let _ = writeln!(io::stderr(), "error: cannot write to standard output: {error}");
            ExitCode::FAILURE
        }
        _ => code,
    }
}
