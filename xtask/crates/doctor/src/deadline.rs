//! Probes of other programs, which share a deadline.

use std::{
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::{Duration, Instant},
};

use context::process::{self, ProbeError};

/// A deadline that all probes of a run share.
pub(crate) struct Deadline {
    /// The folder that programs run in.
    pub(crate) root: PathBuf,
    started: Instant,
    timeout: Duration,
    /// Whether a result did not come in time.
    is_missed: AtomicBool,
}

impl Deadline {
    /// Starts a run that ends after `timeout`.
    pub(crate) fn new(root: PathBuf, timeout: Duration) -> Self {
        Self { root, started: Instant::now(), timeout, is_missed: AtomicBool::new(false) }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Returns how long a probe may still take: at least a moment, for the very last one.
    pub(crate) fn left(&self) -> Duration {
        self.timeout.saturating_sub(self.elapsed()).max(Duration::from_millis(50))
    }

    /// Returns whether a probe did not end in time.
    pub(crate) fn is_missed(&self) -> bool {
        self.is_missed.load(Relaxed)
    }

    /// Remembers whether this probe did not end in time.
    pub(crate) fn note(&self, result: &Result<String, ProbeError>) {
        if matches!(result, Err(ProbeError::TimedOut)) {
            self.is_missed.store(true, Relaxed);
        }
    }

    /// Returns what `command` prints within the time that is left.
    pub(crate) fn output(&self, command: &mut Command) -> Result<String, ProbeError> {
        let result = process::probe(command.current_dir(&self.root), self.left());
        self.note(&result);
        result
    }

    /// Returns what `docker` prints with these arguments.
    pub(crate) fn docker(&self, arguments: &[&str]) -> Result<String, ProbeError> {
        self.output(Command::new("docker").args(arguments))
    }
}
