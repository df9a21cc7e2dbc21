//! `cargo xtask doctor`: each scenario breaks something, sees it named, and sees it mended where it can be.

pub(crate) mod docker;
pub(crate) mod env_file;
pub(crate) mod files;
pub(crate) mod leftovers;
pub(crate) mod machine;
pub(crate) mod stack;

use std::process::Command;

use serde_json::Value;

use crate::harness::{Checkout, Engine, Stack, run};

/// What `doctor --json` says.
struct Diagnosis(Value);

impl Diagnosis {
    /// With all the time that a busy machine takes.
    fn of(command: &mut Command) -> Self {
        Self::hurried(command.args(["--patience", "30"]))
    }

    /// With the time that people give it.
    fn hurried(command: &mut Command) -> Self {
        let ran = run(command);
        let said: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran}"));
        let ok = said["ok"].as_bool().expect("a truth");
        ran.ended_with(i32::from(!ok));
        Self(said)
    }

    fn entry(&self, list: &str, check: &str) -> Option<&Value> {
        let entries = self.0[list].as_array().expect("a list");
        entries.iter().find(|entry| entry["check"] == check)
    }

    /// Expects a finding of this check that says `text`, and returns it.
    fn finds(&self, check: &str, text: &str) -> &Value {
        let found = self.entry("findings", check);
        let found = found.unwrap_or_else(|| panic!("{check} is not found: {:#}", self.0));
        assert!(found["what"].as_str().expect("a text").contains(text), "{text:?}: {found:#}");
        assert_ne!(found["remedy"], "", "{found:#}");
        found
    }

    fn never_finds(&self, check: &str) {
        assert!(self.entry("findings", check).is_none(), "{:#}", self.0);
    }

    /// Expects that the check had a finding, which is mended.
    fn has_mended(&self, check: &str) {
        let treated = self.entry("treated", check);
        assert!(treated.is_some_and(|it| it["mended"] == true), "{check}: {:#}", self.0);
        self.never_finds(check);
    }
}

fn examine(checkout: &Checkout) -> Diagnosis {
    Diagnosis::of(&mut checkout.xtask("doctor --json"))
}

/// Expects the check to find something that says `text`, and `--fix` to mend it.
fn is_mended(checkout: &Checkout, check: &str, text: &str) {
    let diagnosis = examine(checkout);
    assert_eq!(diagnosis.finds(check, text)["fix"], true, "{:#}", diagnosis.0);
    Diagnosis::of(&mut checkout.xtask("doctor --fix --json")).has_mended(check);
}

/// A copy with a `.env` of its own that asks for no Docker, unless it is dropped with that file: there
/// is nothing to take down.
struct Copy(Checkout);

impl Copy {
    fn new() -> Self {
        let mut checkout = Checkout::new(Engine::Local);
        for name in ["API_PORT", "POSTGRES_PORT"] {
            checkout.environment.remove(name);
        }
        let copy = Self(checkout);
        // As `up` makes it.
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

pub(crate) fn nothing_is_wrong_with_a_stack_that_is_up(stack: &Stack) {
    let diagnosis = examine(stack);
    assert_eq!(diagnosis.0["ok"], true, "{:#}", diagnosis.0);
    assert_eq!(diagnosis.0["unseen"], Value::Null);
    run(&mut stack.xtask("doctor")).succeeded().says("checks in ");
}

pub(crate) fn people_are_told_what_is_wrong_and_the_next_command(_: &Stack) {
    let copy = Copy::new();
    let _env = copy.edit(".env", |text| text.replace("APP_ENV=dev", "APP_ENV=staging"));
    copy.write("docker/with-extra-ca.sh", "#!/bin/sh\r\n");
    run(&mut copy.xtask("doctor"))
        .ended_with(1)
        .says("✘ env-value: ")
        .says("✘ crlf: ")
        .says("not checked: services, database and schema, because .env has errors")
        .says("errors: 2")
        .says("`cargo xtask doctor --fix` fixes 1 of them");
    run(&mut copy.xtask("doctor --fix")).ended_with(1).says("✔ crlf: ").says("✘ env-value: ");
}

pub(crate) fn up_makes_the_quick_checks_and_points_here_when_it_fails(stack: &Stack) {
    let env = stack.edit(".env", |text| text.replace("\nRUST_LOG=", "\nRUST_LGO="));
    stack.up().says("did you mean RUST_LOG");
    drop(env);
    run(stack.xtask("up").env("APP_ENV", "staging")).failed().says("cargo xtask doctor");
    stack.up();
}
