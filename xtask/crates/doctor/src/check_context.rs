//! The context of the checks: the checkout, its settings and the state of Docker.

use std::{sync::OnceLock, time::Duration};

use context::{engine_kind::EngineKind, project::Project, settings::Settings, state::State};
use engine::docker_parts::DockerParts;

use crate::{deadline::Deadline, inventory::Inventory};

/// The time limit of all checks together.
pub const TIMEOUT: Duration = Duration::from_millis(1100);

/// The need for an engine, which is Docker or the installed PostgreSQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// The settings name this engine, or the stack runs on this engine.
    Required,
    /// The stack can run on any engine.
    Either,
    /// The settings name another engine, or the stack runs on another engine.
    Unused,
}

/// The context that all checks share.
pub struct CheckContext {
    /// Runs other programs within the time limit.
    pub(crate) deadline: Deadline,
    /// The settings, or `None` if `.env` has errors.
    pub(crate) settings: Option<Settings>,
    /// The state that `up` saved, if the stack is running.
    pub(crate) state: Option<State>,
    parts: OnceLock<DockerParts>,
    containers: OnceLock<Option<Inventory>>,
}

impl CheckContext {
    /// Reads the settings and the state. All checks together end after `timeout`.
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

    /// Returns the versions of Docker and its plug-ins. The first call waits for Docker.
    pub(crate) fn parts(&self) -> &DockerParts {
        self.parts.get_or_init(|| {
            let parts = DockerParts::ask(self.deadline.left());
            for part in [&parts.engine, &parts.compose, &parts.buildx] {
                self.deadline.note(part);
            }
            parts
        })
    }

    /// Returns the containers and volumes of this project, if Docker is needed and responds.
    pub(crate) fn containers(&self) -> Option<&Inventory> {
        let take =
            || (self.need(EngineKind::Docker) != Need::Unused).then(|| self.take_inventory())?;
        self.containers.get_or_init(take).as_ref()
    }

    /// Returns how much the stack needs `engine`.
    pub(crate) fn need(&self, engine: EngineKind) -> Need {
        let forced = || self.settings.as_ref().and_then(|settings| settings.forced(None));
        match self.state.as_ref().map(|state| state.engine).or_else(forced) {
            Some(kind) if kind == engine => Need::Required,
            Some(_) => Need::Unused,
            None => Need::Either,
        }
    }

    /// Returns the engine that the stack runs on, even if plain `docker compose` started the stack.
    pub fn engine(&self) -> Option<EngineKind> {
        let up = self.state.as_ref().map(|state| state.engine);
        let found = || self.containers().is_some_and(|found| !found.own_containers().is_empty());
        up.or_else(|| found().then_some(EngineKind::Docker))
    }

    /// Returns the skipped checks and the reason, or `None` if no check was skipped.
    pub fn unseen(&self) -> Option<&'static str> {
        if self.deadline.is_missed() {
            return Some("checks that took too long; pass --patience 10 to wait ten seconds");
        }
        if self.settings.is_none() {
            return Some("services, database and schema, because .env has errors");
        }
        self.engine()
            .is_none()
            .then_some("services, database and schema, because the stack is not running")
    }

    fn take_inventory(&self) -> Option<Inventory> {
        Inventory::take(&self.deadline, self.settings.as_ref()?, self.state.as_ref())
    }
}
