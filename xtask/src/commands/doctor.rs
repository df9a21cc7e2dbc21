//! `cargo xtask doctor`: finds problems on this machine, and fixes them where no data can be lost.

use std::{process::ExitCode, time::Duration};

use serde::Serialize;

use context::{project::Project, report};
use doctor::{self, CHECKS, CheckContext, Diagnostic, Severity};

/// Find problems on this machine, and fix them with --fix
///
/// Exits with 1 if a check finds an error. Warnings do not change the exit code. docs/doctor.md lists the checks.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Fix all problems that can be fixed without data loss
    #[arg(long)]
    fix: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Wait up to SECONDS for Docker and the database [default: about 1]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=600))]
    patience: Option<u64>,
}

/// The maximum number of rounds of fixes, because a fix can reveal another problem.
const ROUNDS: usize = 3;

/// The result of a fix.
#[derive(Serialize)]
struct FixResult {
    check: &'static str,
    #[serde(rename = "mended")]
    is_fixed: bool,
    what: String,
}

/// The output of `--json`.
#[derive(Serialize)]
struct Report {
    ok: bool,
    checks: usize,
    seconds: f64,
    /// The skipped checks and the reason.
    #[serde(rename = "unseen")]
    skipped: Option<&'static str>,
    #[serde(rename = "treated")]
    fixes: Vec<FixResult>,
    #[serde(rename = "findings")]
    diagnostics: Vec<Diagnostic>,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let timeout = self.patience.map_or(doctor::TIMEOUT, Duration::from_secs);
        let mut fixes = Vec::new();
        let mut report = Report::of(project, timeout);
        for _ in 0..if self.fix { ROUNDS } else { 0 } {
            let before = fixes.len();
            apply_fixes(project, &mut report.diagnostics, &mut fixes);
            let any_fixed = fixes[before..].iter().any(|fix| fix.is_fixed);
            report = Report::of(project, timeout);
            if !any_fixed {
                break;
            }
        }
        report.fixes = fixes;
        if self.json {
            report::json(&report)?;
        } else {
            report.show();
        }
        Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Applies all fixes, except fixes of checks whose fix has failed before.
fn apply_fixes(project: &Project, diagnostics: &mut [Diagnostic], fixes: &mut Vec<FixResult>) {
    for diagnostic in diagnostics {
        let check = diagnostic.check;
        let has_failed = |it: &FixResult| it.check == check && !it.is_fixed;
        let Some(fix) = diagnostic.fix.take_if(|_| !fixes.iter().any(has_failed)) else {
            continue;
        };
        let (is_fixed, what) = match fix(project) {
            Ok(what) => (true, what),
            Err(error) => (false, format!("{error:#}")),
        };
        fixes.push(FixResult { check, is_fixed, what });
    }
}

impl Report {
    fn of(project: &Project, timeout: Duration) -> Self {
        let context = CheckContext::new(project, timeout);
        let diagnostics = doctor::run_checks(&context);
        Self {
            ok: diagnostics.iter().all(|diagnostic| diagnostic.severity != Severity::Error),
            checks: CHECKS.len(),
            skipped: context.unseen(),
            fixes: Vec::new(),
            diagnostics,
            seconds: context.elapsed().as_secs_f64(),
        }
    }

    fn show(&self) {
        for FixResult { check, is_fixed, what } in &self.fixes {
            let what = if *is_fixed { what.clone() } else { format!("not fixed: {what}") };
            report::check_result(
                if *is_fixed { report::Mark::Good } else { report::Mark::Bad },
                check,
                &what,
            );
        }
        for diagnostic in &self.diagnostics {
            let mark = match diagnostic.severity {
                Severity::Error => report::Mark::Bad,
                Severity::Warning => report::Mark::Warning,
            };
            report::check_result(mark, diagnostic.check, &diagnostic.what);
            report::remedy(&diagnostic.remedy);
        }
        if let Some(skipped) = self.skipped {
            report::note(&format!("not checked: {skipped}"));
        }
        let errors = self.diagnostics.iter().filter(|it| it.severity == Severity::Error).count();
        let warnings = self.diagnostics.len() - errors;
        let fixable = self.diagnostics.iter().filter(|diagnostic| diagnostic.fix.is_some()).count();
        report::line(&format!(
            "{} checks in {:.1} s: {}",
            self.checks,
            self.seconds,
            match (errors, warnings) {
                (0, 0) => "no problems".to_owned(),
                _ => format!("errors: {errors}, warnings: {warnings}"),
            }
        ));
        if fixable > 0 {
            report::line(&format!("`cargo xtask doctor --fix` fixes {fixable} of them"));
        }
    }
}
