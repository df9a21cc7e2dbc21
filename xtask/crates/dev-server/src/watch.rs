//! When to look at the source: soon after the system says that something changed and all is quiet again, and
//! now and then without being told, since not every mount tells.

use std::{
    path::Path,
    sync::mpsc::Sender,
    time::{Duration, Instant},
};

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};

use crate::{event::Event, report, snapshot::FOLDERS};

/// Editors and git write several files in a row.
const QUIET: Duration = Duration::from_millis(10);
/// A burst that goes on is looked at all the same.
const BURST: Duration = Duration::from_millis(300);
/// How often to look without being told: where the system tells, and where it does not.
const SELDOM: Duration = Duration::from_secs(1);
const OFTEN: Duration = Duration::from_millis(250);

pub(crate) struct Watch {
    /// Tells as long as it lives.
    _watcher: Option<RecommendedWatcher>,
    interval: Duration,
    /// The first and the last word of a burst of changes.
    told: Option<(Instant, Instant)>,
    looked: Instant,
    /// Changes in a row that nobody told of.
    untold: u32,
}

impl Watch {
    /// Watches the source below `root`.
    pub(crate) fn start(root: &Path, events: Sender<Event>) -> Self {
        let watcher = watcher(root, events).inspect_err(|error| {
            report::note(&format!(
                "the system does not watch files ({error}): looking at them 4 times a second"
            ));
        });
        let interval = if watcher.is_ok() { SELDOM } else { OFTEN };
        Self { _watcher: watcher.ok(), interval, told: None, looked: Instant::now(), untold: 0 }
    }

    /// The system says that something changed.
    pub(crate) fn tell(&mut self) {
        let now = Instant::now();
        self.told = Some(self.told.map_or((now, now), |(first, _)| (first, now)));
    }

    /// When to look next.
    pub(crate) fn due(&self) -> Instant {
        let unasked = self.looked + self.interval;
        self.told.map_or(unasked, |(first, last)| (last + QUIET).min(first + BURST).min(unasked))
    }

    /// The source was looked at, and something had changed or not.
    pub(crate) fn looked(&mut self, has_changed: bool) {
        self.looked = Instant::now();
        let was_told = self.told.take().is_some();
        self.untold = if has_changed && !was_told { self.untold + 1 } else { 0 };
        // Once may be a word that was on its way.
        if self.untold == 2 && self.interval != OFTEN {
            self.interval = OFTEN;
            report::note(
                "this mount does not tell of changes: looking at the files 4 times a second",
            );
        }
    }
}

fn watcher(root: &Path, events: Sender<Event>) -> notify::Result<RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Reading is no change; an error may have swallowed some.
        if event.map_or(true, |event| !event.kind.is_access()) {
            // The supervisor has ended: nobody is there to be told.
            let _ = events.send(Event::Changed);
        }
    })?;
    watcher.watch(root, RecursiveMode::NonRecursive)?;
    for folder in FOLDERS.map(|folder| root.join(folder)).iter().filter(|folder| folder.exists()) {
        watcher.watch(folder, RecursiveMode::Recursive)?;
    }
    Ok(watcher)
}
