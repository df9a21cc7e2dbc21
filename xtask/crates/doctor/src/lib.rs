//! Finds what is wrong on this machine, and fixes it where nothing is lost.
//!
//! A module holds the checks of one topic: functions that return diagnostics. All checks run at once, and
//! none waits longer than [`TIMEOUT`].

mod check_context;
mod checkout;
mod checks;
mod containers;
mod database;
mod deadline;
mod diagnostic;
mod docker;
mod env_file;
mod inventory;
mod leftovers;
mod local;
mod machine;
mod major;
mod password;
mod ports;
mod schema;
mod services;
mod values;

use std::thread;

use context::{project::Project, report};

pub use check_context::{CheckContext, TIMEOUT};
pub use checks::CHECKS;
pub use diagnostic::{Diagnostic, Severity};

type CheckFn = fn(&CheckContext) -> Vec<Diagnostic>;

/// Those that cost nothing to speak of: a few files are read.
const QUICK: [CheckFn; 4] = [env_file::check, values::check, checkout::check, machine::limits];

const SLOW: [CheckFn; 9] = [
    machine::check,
    docker::check,
    docker::daemon,
    local::check,
    ports::check,
    containers::check,
    // Before the services, which may be ill of it: fixes are applied in this order.
    database::check,
    services::check,
    leftovers::check,
];

/// Everything that is not as it should be.
pub fn run_checks(context: &CheckContext) -> Vec<Diagnostic> {
    thread::scope(|scope| {
        let looking: Vec<_> = QUICK
            .into_iter()
            .chain(SLOW)
            .map(|check| scope.spawn(move || check(context)))
            .collect();
        looking
            .into_iter()
            .flat_map(|check| check.join().expect("looking does not panic"))
            .collect()
    })
}

/// What is wrong by the quick checks, for `up`, which goes on and may fail of it.
pub fn quick_check(project: &Project) {
    let context = CheckContext::new(project, TIMEOUT);
    for diagnostic in QUICK.iter().flat_map(|check| check(&context)) {
        if diagnostic.severity == Severity::Error {
            report::note(&format!("{}; {}", diagnostic.what, diagnostic.remedy));
        }
    }
}
