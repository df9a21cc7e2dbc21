//! The source as it was when last looked at, and what has changed since.

use std::{path::PathBuf, sync::mpsc::Sender, time::Instant};

use crate::{
    event::Event,
    inputs::{Effect, Inputs},
    snapshot::Snapshot,
    watch::Watch,
};

/// Names of changed files, by what they mean.
#[derive(Default)]
pub(crate) struct Changes {
    /// The programs are made from them.
    pub(crate) inputs: Vec<String>,
    /// Only `cargo xtask up` takes notice of them.
    pub(crate) needs_up: Vec<String>,
    /// Whether some of them are SQL.
    pub(crate) of_schema: bool,
}

pub(crate) struct Source {
    root: PathBuf,
    watch: Watch,
    snapshot: Snapshot,
    inputs: Inputs,
    /// Whether a build has told what it was made from.
    has_learned: bool,
}

impl Source {
    /// The source below `root`, from now on.
    pub(crate) fn watch(root: PathBuf, in_docker: bool, events: Sender<Event>) -> Self {
        Self {
            watch: Watch::start(&root, events),
            snapshot: Snapshot::take(&root),
            inputs: Inputs::new(root.clone(), in_docker),
            has_learned: false,
            root,
        }
    }

    /// The system says that something changed.
    pub(crate) fn tell(&mut self) {
        self.watch.tell();
    }

    /// When to look next.
    pub(crate) fn due(&self) -> Instant {
        self.watch.due()
    }

    /// Reads what these programs were made from.
    pub(crate) fn learn(&mut self, programs: &[PathBuf]) {
        self.inputs.learn(programs);
        self.has_learned = true;
    }

    /// What changed since this was last asked; after a build that `has_failed`, more may matter.
    pub(crate) fn look(&mut self, has_failed: bool) -> Changes {
        let newer = Snapshot::take(&self.root);
        let paths = self.snapshot.changes(&newer);
        self.snapshot = newer;
        self.watch.looked(!paths.is_empty());
        let mut changes = Changes::default();
        for path in paths {
            let name = self.inputs.name(&path);
            match self.inputs.effect(&path, has_failed || !self.has_learned) {
                Effect::Build => {
                    changes.of_schema |= path.extension().is_some_and(|it| it == "sql");
                    changes.inputs.push(name);
                }
                Effect::NeedsUp => changes.needs_up.push(name),
                Effect::Nothing => {}
            }
        }
        changes
    }
}
