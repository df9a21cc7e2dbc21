//! Diagnostics: a problem, its severity, the remedy and an optional fix.

use std::fmt::Write as _;

use context::project::Project;
use serde::Serialize;

use crate::checks::{CHECKS, Check};

/// A function that fixes a problem without losing data, and returns a description of the change.
pub(crate) type Fix = Box<dyn FnOnce(&Project) -> anyhow::Result<String> + Send>;

/// The severity of a diagnostic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Severity {
    /// Something does not work.
    #[serde(rename = "wrong")]
    Error,
    /// Something works, but not as well or as safely as it should.
    #[serde(rename = "doubtful")]
    Warning,
}

/// A problem that a check found.
#[derive(Serialize)]
pub struct Diagnostic {
    /// The name of the check in [`CHECKS`].
    pub check: &'static str,
    /// The severity of the problem.
    pub severity: Severity,
    /// The description of the problem.
    pub what: String,
    /// The next step for the user, usually a command.
    pub remedy: String,
    /// The fix, if the problem can be fixed without losing data.
    #[serde(serialize_with = "as_bool")]
    pub fix: Option<Fix>,
}

impl Diagnostic {
    pub(crate) fn new(
        check: &'static str,
        severity: Severity,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        debug_assert!(CHECKS.iter().any(|known| known.name == check), "{check} is not listed");
        Self { check, severity, what: what.into(), remedy: remedy.into(), fix: None }
    }

    pub(crate) fn error(
        check: &'static str,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::new(check, Severity::Error, what, remedy)
    }

    pub(crate) fn warning(
        check: &'static str,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::new(check, Severity::Warning, what, remedy)
    }

    pub(crate) fn with_fix(
        mut self,
        fix: impl FnOnce(&Project) -> anyhow::Result<String> + Send + 'static,
    ) -> Self {
        let is_listed = |known: &Check| known.name == self.check && known.fix;
        debug_assert!(CHECKS.iter().any(is_listed), "the fix of {} is not listed", self.check);
        self.fix = Some(Box::new(fix));
        self
    }
}

#[expect(clippy::ref_option, reason = "serde requires this signature")]
fn as_bool<S: serde::Serializer>(fix: &Option<Fix>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bool(fix.is_some())
}

/// Lists the first three names and the number of further names.
pub(crate) fn some_of(names: &[String]) -> String {
    let mut text = names.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > 3 {
        let _ = write!(text, " and {} more", names.len() - 3);
    }
    text
}
