//! Schedules scans of the source: soon after a change notification, and at intervals, because some mounts do not send
//! notifications.

use std::{
    path::Path,
    sync::mpsc::Sender,
    time::{Duration, Instant},
};

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};

use crate::{event::Event, report, snapshot::FOLDERS};

/// The time without notifications before a scan, because editors and git write several files in a row.
const QUIET: Duration = Duration::from_millis(10);
/// The maximum delay of a scan during continuous notifications.
const BURST: Duration = Duration::from_millis(300);
/// The scan interval if notifications work.
const SLOW: Duration = Duration::from_secs(1);
/// The scan interval if notifications do not work.
const FAST: Duration = Duration::from_millis(250);

pub(crate) struct Watch {
    /// The source of notifications, which stop when it is dropped.
    _watcher: Option<RecommendedWatcher>,
    interval: Duration,
    /// The times of the first and the last notification since the last scan.
    burst: Option<(Instant, Instant)>,
    scanned: Instant,
    /// The number of consecutive changes without a notification.
    missed: u32,
}

impl Watch {
    /// Watches the source below `root`.
    pub(crate) fn start(root: &Path, events: Sender<Event>) -> Self {
        let watcher = watcher(root, events).inspect_err(|error| {
            report::note(&format!(
                "the system cannot watch files ({error}). Scanning the files 4 times per second."
            ));
        });
        let interval = if watcher.is_ok() { SLOW } else { FAST };
        Self { _watcher: watcher.ok(), interval, burst: None, scanned: Instant::now(), missed: 0 }
    }

    /// Handles a change notification.
    pub(crate) fn file_changed(&mut self) {
        let now = Instant::now();
        self.burst = Some(self.burst.map_or((now, now), |(first, _)| (first, now)));
    }

    /// Returns the time of the next scan.
    pub(crate) fn due(&self) -> Instant {
        let next = self.scanned + self.interval;
        self.burst.map_or(next, |(first, last)| (last + QUIET).min(first + BURST).min(next))
    }

    /// Handles the end of a scan.
    pub(crate) fn scanned(&mut self, has_changed: bool) {
        self.scanned = Instant::now();
        let was_notified = self.burst.take().is_some();
        self.missed = if has_changed && !was_notified { self.missed + 1 } else { 0 };
        // A single missed change may only be a late notification, so two are required.
        if self.missed == 2 && self.interval != FAST {
            self.interval = FAST;
            report::note(
                "this mount does not report changes. Scanning the files 4 times per second.",
            );
        }
    }
}

/// Starts the change notifications.
fn watcher(root: &Path, events: Sender<Event>) -> notify::Result<RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Reading a file is not a change. An error counts as a change, because notifications may be lost.
        if event.map_or(true, |event| !event.kind.is_access()) {
            // Errors are ignored. They occur only if the supervisor has ended.
            let _ = events.send(Event::Changed);
        }
    })?;
    watcher.watch(root, RecursiveMode::NonRecursive)?;
    for folder in FOLDERS.map(|folder| root.join(folder)).iter().filter(|folder| folder.exists()) {
        watcher.watch(folder, RecursiveMode::Recursive)?;
    }
    Ok(watcher)
}
