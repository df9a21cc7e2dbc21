//! `cargo xtask doctor`: what is wrong on this machine, and mends it where that loses nothing.

use std::{process::ExitCode, time::Duration};

use serde::Serialize;

use context::{project::Project, report};
use doctor::{self, CHECKS, CheckContext, Diagnostic, Severity};

/// Say what is wrong on this machine, and mend what can be mended without losing anything
///
/// Ends with 1 when something is wrong; what is only doubtful is told, and no error. docs/doctor.md
/// lists the checks.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Mend what can be mended; nothing is lost by it
    #[arg(long)]
    fix: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Wait so long for Docker and the database, and not about one second
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=600))]
    patience: Option<u64>,
}

/// What mending one thing may bring to light is mended as well, but not for ever.
const ROUNDS: usize = 3;

/// What was mended, or could not be.
#[derive(Serialize)]
struct Treatment {
    check: &'static str,
    mended: bool,
    what: String,
}

/// The answer, as `--json` prints it.
#[derive(Serialize)]
struct Report {
    ok: bool,
    checks: usize,
    seconds: f64,
    /// What was not looked at, and why.
    unseen: Option<&'static str>,
    treated: Vec<Treatment>,
    #[serde(rename = "findings")]
    diagnostics: Vec<Diagnostic>,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let patience = self.patience.map_or(doctor::TIMEOUT, Duration::from_secs);
        let mut treated = Vec::new();
        let mut report = Report::of(project, patience);
        for _ in 0..if self.fix { ROUNDS } else { 0 } {
            let before = treated.len();
            treat(project, &mut report.diagnostics, &mut treated);
            let mended = treated[before..].iter().any(|treatment| treatment.mended);
            report = Report::of(project, patience);
            if !mended {
                break;
            }
        }
        report.treated = treated;
        if self.json {
            report::line(&serde_json::to_string_pretty(&report)?);
        } else {
            report.show();
        }
        Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Applies the fixes that were not tried before.
fn treat(project: &Project, diagnostics: &mut [Diagnostic], treated: &mut Vec<Treatment>) {
    for diagnostic in diagnostics {
        let check = diagnostic.check;
        let was_in_vain = |it: &Treatment| it.check == check && !it.mended;
        let Some(fix) = diagnostic.fix.take_if(|_| !treated.iter().any(was_in_vain)) else {
            continue;
        };
        let (mended, what) = match fix(project) {
            Ok(what) => (true, what),
            Err(error) => (false, format!("{error:#}")),
        };
        treated.push(Treatment { check, mended, what });
    }
}

impl Report {
    fn of(project: &Project, patience: Duration) -> Self {
        let context = CheckContext::new(project, patience);
        let diagnostics = doctor::run_checks(&context);
        Self {
            ok: diagnostics.iter().all(|diagnostic| diagnostic.severity != Severity::Error),
            checks: CHECKS.len(),
            unseen: context.unseen(),
            treated: Vec::new(),
            diagnostics,
            seconds: context.elapsed().as_secs_f64(),
        }
    }

    fn show(&self) {
        for Treatment { check, mended, what } in &self.treated {
            let what = if *mended { what.clone() } else { format!("not mended: {what}") };
            report::check_result(
                if *mended { report::Mark::Good } else { report::Mark::Bad },
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
        if let Some(unseen) = self.unseen {
            report::note(&format!("not looked at: {unseen}"));
        }
        let wrong = self.diagnostics.iter().filter(|it| it.severity == Severity::Error).count();
        let doubtful = self.diagnostics.len() - wrong;
        let mendable =
            self.diagnostics.iter().filter(|diagnostic| diagnostic.fix.is_some()).count();
        report::line(&format!(
            "{} checks in {:.1} s: {}",
            self.checks,
            self.seconds,
            match (wrong, doubtful) {
                (0, 0) => "nothing is wrong".to_owned(),
                _ => format!("{wrong} wrong, {doubtful} doubtful"),
            }
        ));
        if mendable > 0 {
            report::line(&format!("`cargo xtask doctor --fix` mends {mendable} of them"));
        }
    }
}
