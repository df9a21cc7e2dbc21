//! The supervisor in the running stack (`xtask/crates/dev-server`), which builds what is edited.

use std::{fmt, process::Command};

use serde::{Deserialize, Serialize};

use crate::compile::{self, Signs};

/// How to ask it: its program, where it runs.
pub(crate) struct Follower {
    ask: Command,
}

/// What it says of the newest source.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Source {
    /// `building`, `live`, `failed` or `crashed`.
    pub(crate) state: String,
    /// The process that serves, by its number where it runs.
    pub(crate) server: Option<u32>,
    /// From the change to being served.
    pub(crate) seconds: Option<f64>,
    /// Why it is not served.
    pub(crate) failure: Option<Failure>,
    /// Changed files that only `up` takes notice of.
    pub(crate) needs_up: Vec<String>,
}

#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Failure {
    /// `build`, `migrate` or `start`.
    pub(crate) stage: String,
    /// What the compiler, the migration tool or the supervisor says, with colours.
    pub(crate) message: String,
}

impl fmt::Display for Source {
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
    pub(crate) fn reason(&self, signs: Signs) -> &'static str {
        match self.stage.as_str() {
            "build" => compile::reason(&self.message, false, signs),
            "migrate" => {
                "the migrations cannot be applied: mend them, or, if an applied one was edited or removed, \
                 `cargo xtask recreate-db`"
            }
            _ => "the new server does not start; `cargo xtask logs api` shows why",
        }
    }
}

impl Follower {
    pub(crate) fn new(ask: Command) -> Self {
        Self { ask }
    }

    /// How it is now; none if it does not answer.
    pub(crate) fn status(self) -> Option<Source> {
        self.answer("status")
    }

    /// How it is when the newest source is served or has failed; none if it does not answer.
    pub(crate) fn wait(self) -> Option<Source> {
        self.answer("wait")
    }

    fn answer(mut self, question: &str) -> Option<Source> {
        let output = self.ask.arg(question).output().ok()?;
        serde_json::from_slice(&output.stdout).ok()
    }
}
