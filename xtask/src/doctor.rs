//! What is wrong on this machine, and how it is mended: one module a topic, each a function that looks
//! at one part and returns findings. They look all at once, and none waits longer than [`PATIENCE`].

mod checkout;
mod checks;
mod containers;
mod database;
mod docker;
mod env_file;
mod leftovers;
mod local;
mod machine;
mod major;
mod password;
mod ports;
mod scene;
mod schema;
mod services;
mod values;

use std::{thread, time::Duration};

use serde::Serialize;

use crate::{project::Project, report};

pub(crate) use checks::CHECKS;
pub(crate) use scene::Scene;

/// For everything together, a Docker that hangs included.
pub(crate) const PATIENCE: Duration = Duration::from_millis(1100);

/// Mends what a finding is about, losing nothing, and says what it did.
type Fix = Box<dyn FnOnce(&Project) -> anyhow::Result<String> + Send>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// Something does not work.
    Wrong,
    /// It works, but not as well or as safely as it should.
    Doubtful,
}

/// Something that is not as it should be.
#[derive(Serialize)]
pub(crate) struct Finding {
    /// Its name in [`CHECKS`].
    pub(crate) check: &'static str,
    pub(crate) severity: Severity,
    pub(crate) what: String,
    /// What to do about it: a command, where there is one.
    pub(crate) remedy: String,
    #[serde(serialize_with = "as_bool")]
    pub(crate) fix: Option<Fix>,
}

impl Finding {
    fn new(
        check: &'static str,
        severity: Severity,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        debug_assert!(CHECKS.iter().any(|known| known.name == check), "{check} is not listed");
        Self { check, severity, what: what.into(), remedy: remedy.into(), fix: None }
    }

    fn wrong(check: &'static str, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(check, Severity::Wrong, what, remedy)
    }

    fn doubtful(check: &'static str, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(check, Severity::Doubtful, what, remedy)
    }

    fn mended_by(
        mut self,
        fix: impl FnOnce(&Project) -> anyhow::Result<String> + Send + 'static,
    ) -> Self {
        let is_listed = |known: &checks::Check| known.name == self.check && known.fix;
        debug_assert!(CHECKS.iter().any(is_listed), "the fix of {} is not listed", self.check);
        self.fix = Some(Box::new(fix));
        self
    }
}

#[expect(clippy::ref_option, reason = "the form that serde calls")]
fn as_bool<S: serde::Serializer>(fix: &Option<Fix>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bool(fix.is_some())
}

type Topic = fn(&Scene) -> Vec<Finding>;

/// Those that cost nothing to speak of: a few files are read.
const QUICK: [Topic; 4] = [env_file::look, values::look, checkout::look, machine::limits];

const SLOW: [Topic; 9] = [
    machine::look,
    docker::look,
    docker::daemon,
    local::look,
    ports::look,
    containers::look,
    // Before the services, which may be ill of it: fixes are applied in this order.
    database::look,
    services::look,
    leftovers::look,
];

/// Everything that is not as it should be.
pub(crate) fn examine(scene: &Scene) -> Vec<Finding> {
    thread::scope(|scope| {
        let looking: Vec<_> =
            QUICK.into_iter().chain(SLOW).map(|topic| scope.spawn(move || topic(scene))).collect();
        looking
            .into_iter()
            .flat_map(|topic| topic.join().expect("looking does not panic"))
            .collect()
    })
}

/// What is wrong by the quick checks, for `up`, which goes on and may fail of it.
pub(crate) fn first_look(project: &Project) {
    let scene = Scene::new(project, PATIENCE);
    for finding in QUICK.iter().flat_map(|topic| topic(&scene)) {
        if finding.severity == Severity::Wrong {
            report::note(&format!("{}; {}", finding.what, finding.remedy));
        }
    }
}
