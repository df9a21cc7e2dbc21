//! A client of the development server (`xtask/crates/dev-server`), which rebuilds the API after each edit.

use std::{fmt, process::Command};

use serde::{Deserialize, Serialize};

use context::compile::{self, KnownFailures};

/// A connection to the development server.
pub struct DevServer {
    command: Command,
}

/// The state of the newest source.
#[derive(Debug, Deserialize, Serialize)]
pub struct SourceStatus {
    /// `building`, `live`, `failed` or `crashed`.
    pub state: String,
    /// The process ID of the API, in the container if the engine is Docker.
    pub server: Option<u32>,
    /// The time from the edit until the API served it.
    pub seconds: Option<f64>,
    /// The reason why the newest source is not served.
    pub failure: Option<Failure>,
    /// Changed files that need another `up`.
    pub needs_up: Vec<String>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct Failure {
    /// `build`, `migrate` or `start`.
    pub stage: String,
    /// The output of the failed step, with colours.
    pub message: String,
}

impl fmt::Display for SourceStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.state.as_str(), &self.failure) {
            ("live", _) => formatter.write_str("the newest source is served")?,
            ("building", _) => formatter.write_str("the newest source is being built")?,
            (_, Some(failure)) => {
                write!(formatter, "the newest source is not served: {}", failure.reason(&[]))?;
            }
            (state, None) => formatter.write_str(state)?,
        }
        if !self.needs_up.is_empty() {
            write!(
                formatter,
                "; run `cargo xtask up` to apply the changes in {}",
                self.needs_up.join(", ")
            )?;
        }
        Ok(())
    }
}

impl Failure {
    /// Returns the likely reason in one line.
    pub fn reason(&self, known_failures: KnownFailures) -> &'static str {
        match self.stage.as_str() {
            "build" => compile::failure_reason(&self.message, false, known_failures),
            "migrate" => {
                "the migrations cannot be applied. Fix the migrations. If an applied migration was edited or \
                 removed, run `cargo xtask recreate-db`."
            }
            _ => "the new server does not start; see `cargo xtask logs api`",
        }
    }
}

impl DevServer {
    pub(crate) fn new(command: Command) -> Self {
        Self { command }
    }

    /// Returns the current state. Returns `None` if the development server does not respond.
    pub fn status(self) -> Option<SourceStatus> {
        self.request("status")
    }

    /// Waits until the newest source is served or has failed. Returns `None` if the development server does not
    /// respond.
    pub fn wait(self) -> Option<SourceStatus> {
        self.request("wait")
    }

    fn request(mut self, request: &str) -> Option<SourceStatus> {
        let output = self.command.arg(request).output().ok()?;
        serde_json::from_slice(&output.stdout).ok()
    }
}
