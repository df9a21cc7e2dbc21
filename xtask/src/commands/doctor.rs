//! `cargo xtask doctor`: what is wrong on this machine, and mends it where that loses nothing.

use std::{process::ExitCode, time::Duration};

use serde::Serialize;

use crate::{
    doctor::{self, CHECKS, Finding, Scene, Severity},
    project::Project,
    report,
};

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
    findings: Vec<Finding>,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let patience = self.patience.map_or(doctor::PATIENCE, Duration::from_secs);
        let mut treated = Vec::new();
        let mut report = Report::of(project, patience);
        for _ in 0..if self.fix { ROUNDS } else { 0 } {
            let before = treated.len();
            treat(project, &mut report.findings, &mut treated);
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
fn treat(project: &Project, findings: &mut [Finding], treated: &mut Vec<Treatment>) {
    for finding in findings {
        let check = finding.check;
        let was_in_vain = |it: &Treatment| it.check == check && !it.mended;
        let Some(fix) = finding.fix.take_if(|_| !treated.iter().any(was_in_vain)) else { continue };
        let (mended, what) = match fix(project) {
            Ok(what) => (true, what),
            Err(error) => (false, format!("{error:#}")),
        };
        treated.push(Treatment { check, mended, what });
    }
}

impl Report {
    fn of(project: &Project, patience: Duration) -> Self {
        let scene = Scene::new(project, patience);
        let findings = doctor::examine(&scene);
        Self {
            ok: findings.iter().all(|finding| finding.severity != Severity::Wrong),
            checks: CHECKS.len(),
            unseen: scene.unseen(),
            treated: Vec::new(),
            findings,
            seconds: scene.elapsed().as_secs_f64(),
        }
    }

    fn show(&self) {
        for Treatment { check, mended, what } in &self.treated {
            let what = if *mended { what.clone() } else { format!("not mended: {what}") };
            report::verdict(
                if *mended { report::Mark::Good } else { report::Mark::Bad },
                check,
                &what,
            );
        }
        for finding in &self.findings {
            let mark = match finding.severity {
                Severity::Wrong => report::Mark::Bad,
                Severity::Doubtful => report::Mark::Doubtful,
            };
            report::verdict(mark, finding.check, &finding.what);
            report::remedy(&finding.remedy);
        }
        if let Some(unseen) = self.unseen {
            report::note(&format!("not looked at: {unseen}"));
        }
        let wrong = self.findings.iter().filter(|it| it.severity == Severity::Wrong).count();
        let doubtful = self.findings.len() - wrong;
        let mendable = self.findings.iter().filter(|finding| finding.fix.is_some()).count();
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
