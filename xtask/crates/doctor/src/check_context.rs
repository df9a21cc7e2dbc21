//! What the checks share: the checkout, its settings, and the state of Docker, which is probed once.

use std::{sync::OnceLock, time::Duration};

use context::{engine_kind::EngineKind, project::Project, settings::Settings, state::State};
use engine::docker_parts::DockerParts;

use crate::{deadline::Deadline, inventory::Inventory};

/// The timeout of all checks together, a Docker that hangs included.
pub const TIMEOUT: Duration = Duration::from_millis(1100);

/// How much the stack needs an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// It was asked for, or the stack is up on it.
    Must,
    /// One of the two is needed.
    May,
    /// The other one was asked for, or the stack is up on that.
    Not,
}

/// What the checks share.
pub struct CheckContext {
    /// Probes other programs within the time that all checks have.
    pub(crate) deadline: Deadline,
    /// None while `.env` is broken.
    pub(crate) settings: Option<Settings>,
    /// The state that `up` left, if the stack is up.
    pub(crate) state: Option<State>,
    parts: OnceLock<DockerParts>,
    containers: OnceLock<Option<Inventory>>,
}

impl CheckContext {
    /// Reads settings and state; all probes together end after `timeout`.
    pub fn new(project: &Project, timeout: Duration) -> Self {
        Self {
            deadline: Deadline::new(project.root.clone(), timeout),
            settings: project.settings().ok(),
            state: State::load(project),
            parts: OnceLock::new(),
            containers: OnceLock::new(),
        }
    }

    /// Returns how long the checks have taken.
    pub fn elapsed(&self) -> Duration {
        self.deadline.elapsed()
    }

    /// The parts of Docker; the first caller waits for them.
    pub(crate) fn parts(&self) -> &DockerParts {
        self.parts.get_or_init(|| {
            let parts = DockerParts::ask(self.deadline.left());
            for part in [&parts.engine, &parts.compose, &parts.buildx] {
                self.deadline.note(part);
            }
            parts
        })
    }

    /// The containers and volumes of this project, where Docker is needed and tells.
    pub(crate) fn containers(&self) -> Option<&Inventory> {
        let ask = || (self.need(EngineKind::Docker) != Need::Not).then(|| self.take_inventory())?;
        self.containers.get_or_init(ask).as_ref()
    }

    /// How much `engine` is needed.
    pub(crate) fn need(&self, engine: EngineKind) -> Need {
        let forced = || self.settings.as_ref().and_then(|settings| settings.forced(None));
        match self.state.as_ref().map(|state| state.engine).or_else(forced) {
            Some(kind) if kind == engine => Need::Must,
            Some(_) => Need::Not,
            None => Need::May,
        }
    }

    /// The engine that the stack is up on, be it that plain `docker compose` started it.
    pub fn engine(&self) -> Option<EngineKind> {
        let up = self.state.as_ref().map(|state| state.engine);
        let found = || self.containers().is_some_and(|found| !found.ours().is_empty());
        up.or_else(|| found().then_some(EngineKind::Docker))
    }

    /// What was not looked at, and why.
    pub fn unseen(&self) -> Option<&'static str> {
        if self.deadline.is_missed() {
            return Some("what took too long to answer; --patience 10 waits for ten seconds");
        }
        if self.settings.is_none() {
            return Some("services, database and schema: .env must be usable first");
        }
        self.engine().is_none().then_some("services, database and schema: nothing is up")
    }

    fn take_inventory(&self) -> Option<Inventory> {
        Inventory::take(&self.deadline, self.settings.as_ref()?, self.state.as_ref())
    }
}
