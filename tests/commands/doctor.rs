//! `cargo xtask doctor`: each scenario breaks something, and expects a diagnostic and, if possible, a fix by `--fix`.

pub(crate) mod docker;
pub(crate) mod env_file;
pub(crate) mod files;
pub(crate) mod leftovers;
pub(crate) mod machine;
pub(crate) mod stack;

use std::process::Command;

use serde_json::Value;

use crate::harness::{Checkout, Engine, Stack, run};

/// The output of `doctor --json`.
struct Diagnosis(Value);

impl Diagnosis {
    /// Runs `doctor` with a long time limit for busy machines.
    fn of(command: &mut Command) -> Self {
        Self::with_default_timeout(command.args(["--patience", "30"]))
    }

    /// Runs `doctor` with its default time limit.
    fn with_default_timeout(command: &mut Command) -> Self {
        let ran = run(command);
        let output: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran}"));
        let ok = output["ok"].as_bool().expect("a boolean");
        ran.ended_with(i32::from(!ok));
        Self(output)
    }

    fn entry(&self, list: &str, check: &str) -> Option<&Value> {
        let entries = self.0[list].as_array().expect("a list");
        entries.iter().find(|entry| entry["check"] == check)
    }

    /// Panics unless the check reports a diagnostic with `text`. Returns the diagnostic.
    fn finds(&self, check: &str, text: &str) -> &Value {
        let found = self.entry("findings", check);
        let found = found.unwrap_or_else(|| panic!("{check} reported nothing: {:#}", self.0));
        assert!(found["what"].as_str().expect("a text").contains(text), "{text:?}: {found:#}");
        assert_ne!(found["remedy"], "", "{found:#}");
        found
    }

    fn assert_not_found(&self, check: &str) {
        assert!(self.entry("findings", check).is_none(), "{:#}", self.0);
    }

    /// Panics unless the check's diagnostic was fixed.
    fn assert_has_fixed(&self, check: &str) {
        let treated = self.entry("treated", check);
        assert!(treated.is_some_and(|it| it["mended"] == true), "{check}: {:#}", self.0);
        self.assert_not_found(check);
    }
}

fn examine(checkout: &Checkout) -> Diagnosis {
    Diagnosis::of(&mut checkout.xtask("doctor --json"))
}

/// Panics unless the check reports a diagnostic with `text` and `--fix` fixes it.
fn assert_fixed(checkout: &Checkout, check: &str, text: &str) {
    let diagnosis = examine(checkout);
    assert_eq!(diagnosis.finds(check, text)["fix"], true, "{:#}", diagnosis.0);
    Diagnosis::of(&mut checkout.xtask("doctor --fix --json")).assert_has_fixed(check);
}

/// A copy with its own `.env` and without a running stack. Dropping it removes `.env` first, so that `Checkout`
/// does not run `down`.
struct Copy(Checkout);

impl Copy {
    fn new() -> Self {
        let mut checkout = Checkout::new(Engine::Local);
        for name in ["API_PORT", "POSTGRES_PORT"] {
            checkout.environment.remove(name);
        }
        let copy = Self(checkout);
        // `doctor --fix` creates `.env`, as `up` does.
        run(&mut copy.xtask("doctor --fix"));
        copy
    }
}

impl std::ops::Deref for Copy {
    type Target = Checkout;

    fn deref(&self) -> &Checkout {
        &self.0
    }
}

impl std::ops::DerefMut for Copy {
    fn deref_mut(&mut self) -> &mut Checkout {
        &mut self.0
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(self.0.root.join(".env"));
    }
}

pub(crate) fn doctor_reports_nothing_for_a_running_stack(stack: &Stack) {
    let diagnosis = examine(stack);
    assert_eq!(diagnosis.0["ok"], true, "{:#}", diagnosis.0);
    assert_eq!(diagnosis.0["unseen"], Value::Null);
    run(&mut stack.xtask("doctor")).succeeded().prints("checks in ");
}

pub(crate) fn doctor_prints_diagnostics_and_the_next_command(_: &Stack) {
    let copy = Copy::new();
    let _env = copy.edit(".env", |text| text.replace("APP_ENV=dev", "APP_ENV=staging"));
    copy.write("docker/with-extra-ca.sh", "#!/bin/sh\r\n");
    run(&mut copy.xtask("doctor"))
        .ended_with(1)
        .prints("✘ env-value: ")
        .prints("✘ crlf: ")
        .prints("not checked: services, database and schema, because .env has errors")
        .prints("errors: 2")
        .prints("`cargo xtask doctor --fix` fixes 1 of them");
    run(&mut copy.xtask("doctor --fix")).ended_with(1).prints("✔ crlf: ").prints("✘ env-value: ");
}

pub(crate) fn up_runs_quick_checks_and_suggests_doctor_after_a_failure(stack: &Stack) {
    let env = stack.edit(".env", |text| text.replace("\nRUST_LOG=", "\nRUST_LGO="));
    stack.up().prints("did you mean RUST_LOG");
    drop(env);
    run(stack.xtask("up").env("APP_ENV", "staging")).failed().prints("cargo xtask doctor");
    stack.up();
}
