//! Runs other programs with a shared deadline.

use std::{
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::{Duration, Instant},
};

use context::process::{self, ProbeError};

/// A deadline that all checks of a run share.
pub(crate) struct Deadline {
    /// The working folder of the programs.
    pub(crate) root: PathBuf,
    started: Instant,
    timeout: Duration,
    /// True if a program did not finish in time.
    is_missed: AtomicBool,
}

impl Deadline {
    /// Starts a deadline that ends after `timeout`.
    pub(crate) fn new(root: PathBuf, timeout: Duration) -> Self {
        Self { root, started: Instant::now(), timeout, is_missed: AtomicBool::new(false) }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Returns the remaining time, at least 50 ms.
    pub(crate) fn left(&self) -> Duration {
        self.timeout.saturating_sub(self.elapsed()).max(Duration::from_millis(50))
    }

    /// Returns whether a program did not finish in time.
    pub(crate) fn is_missed(&self) -> bool {
        self.is_missed.load(Relaxed)
    }

    /// Marks the deadline as missed if `result` is a timeout.
    pub(crate) fn note(&self, result: &Result<String, ProbeError>) {
        if matches!(result, Err(ProbeError::TimedOut)) {
            self.is_missed.store(true, Relaxed);
        }
    }

    /// Returns the output of `command`, which may use the remaining time.
    pub(crate) fn output(&self, command: &mut Command) -> Result<String, ProbeError> {
        let result = process::probe(command.current_dir(&self.root), self.left());
        self.note(&result);
        result
    }

    /// Returns the output of `docker` with these arguments.
    pub(crate) fn docker(&self, arguments: &[&str]) -> Result<String, ProbeError> {
        self.output(Command::new("docker").args(arguments))
    }
}
