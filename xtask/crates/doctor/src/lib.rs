//! Finds problems with this machine and with the stack, which is the API and its database.
//! Fixes the problems that can be fixed without losing data.
//!
//! Each module contains related checks, which are functions that return diagnostics. All checks run
//! concurrently and end within one [`TIMEOUT`].

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

/// The checks that only read a few files.
const QUICK: [CheckFn; 4] = [env_file::check, values::check, checkout::check, machine::limits];

const SLOW: [CheckFn; 9] = [
    machine::check,
    docker::check,
    docker::daemon,
    local::check,
    ports::check,
    containers::check,
    // Fixes run in this order. The database comes first, because services depend on it.
    database::check,
    services::check,
    leftovers::check,
];

/// Runs all checks and returns their diagnostics.
pub fn run_checks(context: &CheckContext) -> Vec<Diagnostic> {
    thread::scope(|scope| {
        let running: Vec<_> = QUICK
            .into_iter()
            .chain(SLOW)
            .map(|check| scope.spawn(move || check(context)))
            .collect();
        running
            .into_iter()
            .flat_map(|check| check.join().expect("a check does not panic"))
            .collect()
    })
}

/// Runs the quick checks before `up` and prints their errors as notes. `up` continues in any case.
pub fn quick_check(project: &Project) {
    let context = CheckContext::new(project, TIMEOUT);
    for diagnostic in QUICK.iter().flat_map(|check| check(&context)) {
        if diagnostic.severity == Severity::Error {
            report::note(&format!("{}. Remedy: {}", diagnostic.what, diagnostic.remedy));
        }
    }
}
