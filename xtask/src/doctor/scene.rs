//! What the topics look at together: the checkout, its settings, and what Docker said when first asked.

use std::{
    fmt::Write as _,
    path::PathBuf,
    process::Command,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use super::containers::Containers;
use crate::{
    engine::{Kind, choose},
    process::{self, Silence},
    project::Project,
    settings::Settings,
    state::State,
};

/// How much the stack needs an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// It was asked for, or the stack is up on it.
    Must,
    /// One of the two is needed.
    May,
    /// The other one was asked for, or the stack is up on that.
    Not,
}

/// What the topics look at together.
pub(crate) struct Scene {
    pub(super) root: PathBuf,
    /// None while `.env` is broken.
    pub(super) settings: Option<Settings>,
    /// What `up` left, if the stack is up.
    pub(super) state: Option<State>,
    started: Instant,
    patience: Duration,
    /// Whether an answer did not come in time.
    is_incomplete: AtomicBool,
    parts: OnceLock<choose::Parts>,
    containers: OnceLock<Option<Containers>>,
}

impl Scene {
    /// Everything together has `patience` to answer.
    pub(crate) fn new(project: &Project, patience: Duration) -> Self {
        Self {
            root: project.root.clone(),
            settings: project.settings().ok(),
            state: State::load(project),
            started: Instant::now(),
            patience,
            is_incomplete: AtomicBool::new(false),
            parts: OnceLock::new(),
            containers: OnceLock::new(),
        }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// How long a question may still take; some time is left for an answer to the very last one.
    pub(super) fn left(&self) -> Duration {
        self.patience.saturating_sub(self.elapsed()).max(Duration::from_millis(50))
    }

    /// What `command` prints within the time that is left.
    pub(super) fn ask(&self, command: &mut Command) -> Result<String, Silence> {
        let answer = process::probe(command.current_dir(&self.root), self.left());
        if is_late(&answer) {
            self.is_incomplete.store(true, Relaxed);
        }
        answer
    }

    /// What `docker` prints with these arguments.
    pub(super) fn docker(&self, arguments: &[&str]) -> Result<String, Silence> {
        self.ask(Command::new("docker").args(arguments))
    }

    /// The parts of Docker; whoever asks first waits for them.
    pub(super) fn parts(&self) -> &choose::Parts {
        self.parts.get_or_init(|| {
            let parts = choose::Parts::ask(self.left());
            if [&parts.engine, &parts.compose, &parts.buildx].into_iter().any(is_late) {
                self.is_incomplete.store(true, Relaxed);
            }
            parts
        })
    }

    /// The containers and volumes of this project, where Docker is needed and tells.
    pub(super) fn containers(&self) -> Option<&Containers> {
        let ask = || (self.need(Kind::Docker) != Need::Not).then(|| Containers::ask(self))?;
        self.containers.get_or_init(ask).as_ref()
    }

    /// How much `engine` is needed.
    pub(super) fn need(&self, engine: Kind) -> Need {
        let forced = || self.settings.as_ref().and_then(|settings| settings.forced(None));
        match self.state.as_ref().map(|state| state.engine).or_else(forced) {
            Some(kind) if kind == engine => Need::Must,
            Some(_) => Need::Not,
            None => Need::May,
        }
    }

    /// The engine that the stack is up on, be it that plain `docker compose` started it.
    pub(crate) fn engine(&self) -> Option<Kind> {
        let up = self.state.as_ref().map(|state| state.engine);
        let found = || self.containers().is_some_and(|found| !found.ours().is_empty());
        up.or_else(|| found().then_some(Kind::Docker))
    }

    /// What was not looked at, and why.
    pub(crate) fn unseen(&self) -> Option<&'static str> {
        if self.is_incomplete.load(Relaxed) {
            return Some("what took too long to answer; --patience 10 waits for ten seconds");
        }
        if self.settings.is_none() {
            return Some("services, database and schema: .env must be usable first");
        }
        self.engine().is_none().then_some("services, database and schema: nothing is up")
    }
}

fn is_late(answer: &Result<String, Silence>) -> bool {
    matches!(answer, Err(Silence::TimedOut))
}

/// The first few of `names`, for people.
pub(super) fn some_of(names: &[String]) -> String {
    let mut text = names.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > 3 {
        let _ = write!(text, " and {} more", names.len() - 3);
    }
    text
}
