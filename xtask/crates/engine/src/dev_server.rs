//! Questions to the development server (`xtask/crates/dev-server`) of the running stack, which builds what is edited.

use std::{fmt, process::Command};

use serde::{Deserialize, Serialize};

use context::compile::{self, KnownFailures};

/// How to ask it: its program, where it runs.
pub struct DevServer {
    ask: Command,
}

/// What it says of the newest source.
#[derive(Debug, Deserialize, Serialize)]
pub struct SourceStatus {
    /// `building`, `live`, `failed` or `crashed`.
    pub state: String,
    /// The process that serves, by its number where it runs.
    pub server: Option<u32>,
    /// From the change to being served.
    pub seconds: Option<f64>,
    /// Why it is not served.
    pub failure: Option<Failure>,
    /// Changed files that only `up` takes notice of.
    pub needs_up: Vec<String>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct Failure {
    /// `build`, `migrate` or `start`.
    pub stage: String,
    /// What the compiler, the migration tool or the supervisor says, with colours.
    pub message: String,
}

impl fmt::Display for SourceStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.state.as_str(), &self.failure) {
            ("live", _) => formatter.write_str("the newest is served")?,
            ("building", _) => formatter.write_str("the newest is being built")?,
            (_, Some(failure)) => {
                write!(formatter, "the newest is not served: {}", failure.reason(&[]))?;
            }
            (state, None) => formatter.write_str(state)?,
        }
        if !self.needs_up.is_empty() {
            write!(formatter, "; changed, for `cargo xtask up`: {}", self.needs_up.join(", "))?;
        }
        Ok(())
    }
}

impl Failure {
    /// In a few words.
    pub fn reason(&self, known_failures: KnownFailures) -> &'static str {
        match self.stage.as_str() {
            "build" => compile::failure_reason(&self.message, false, known_failures),
            "migrate" => {
                "the migrations cannot be applied: mend them, or, if an applied one was edited or removed, \
                 `cargo xtask recreate-db`"
            }
            _ => "the new server does not start; `cargo xtask logs api` shows why",
        }
    }
}

impl DevServer {
    pub(crate) fn new(ask: Command) -> Self {
        Self { ask }
    }

    /// How it is now; none if it does not answer.
    pub fn status(self) -> Option<SourceStatus> {
        self.answer("status")
    }

    /// How it is when the newest source is served or has failed; none if it does not answer.
    pub fn wait(self) -> Option<SourceStatus> {
        self.answer("wait")
    }

    fn answer(mut self, question: &str) -> Option<SourceStatus> {
        let output = self.ask.arg(question).output().ok()?;
        serde_json::from_slice(&output.stdout).ok()
    }
}
