//! Detects changes of the source since the last scan.

use std::{path::PathBuf, sync::mpsc::Sender, time::Instant};

use crate::{
    event::Event,
    inputs::{Effect, Inputs},
    snapshot::Snapshot,
    watch::Watch,
};

/// The names of changed files, by effect.
#[derive(Default)]
pub(crate) struct Changes {
    /// The files that require a build.
    pub(crate) inputs: Vec<String>,
    /// The files that require another `cargo xtask up`.
    pub(crate) needs_up: Vec<String>,
    /// True if an input is an SQL file.
    pub(crate) has_sql: bool,
}

pub(crate) struct Source {
    root: PathBuf,
    watch: Watch,
    snapshot: Snapshot,
    inputs: Inputs,
    /// True if the lists of source files have been read after a build.
    has_inputs: bool,
}

impl Source {
    /// Starts to watch the source below `root`.
    pub(crate) fn watch(root: PathBuf, in_docker: bool, events: Sender<Event>) -> Self {
        Self {
            watch: Watch::start(&root, events),
            snapshot: Snapshot::take(&root),
            inputs: Inputs::new(root.clone(), in_docker),
            has_inputs: false,
            root,
        }
    }

    /// Handles a change notification of the operating system.
    pub(crate) fn file_changed(&mut self) {
        self.watch.file_changed();
    }

    /// Returns the time of the next scan.
    pub(crate) fn due(&self) -> Instant {
        self.watch.due()
    }

    /// Reads cargo's lists of the source files of these programs.
    pub(crate) fn read_inputs(&mut self, programs: &[PathBuf]) {
        self.inputs.read(programs);
        self.has_inputs = true;
    }

    /// Returns the changes since the last scan. If the last build `has_failed`, more files count as inputs.
    pub(crate) fn scan(&mut self, has_failed: bool) -> Changes {
        let newer = Snapshot::take(&self.root);
        let paths = self.snapshot.changes(&newer);
        self.snapshot = newer;
        self.watch.scanned(!paths.is_empty());
        let mut changes = Changes::default();
        for path in paths {
            let name = self.inputs.name(&path);
            match self.inputs.effect(&path, has_failed || !self.has_inputs) {
                Effect::Build => {
                    changes.has_sql |= path.extension().is_some_and(|it| it == "sql");
                    changes.inputs.push(name);
                }
                Effect::NeedsUp => changes.needs_up.push(name),
                Effect::Nothing => {}
            }
        }
        changes
    }
}
