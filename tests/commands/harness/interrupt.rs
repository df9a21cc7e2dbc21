//! Ctrl-C fails the current scenario but does not end this process, so that everything is cleaned up.

use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
static CLEANING_UP: AtomicBool = AtomicBool::new(false);

/// Starts to watch for Ctrl-C.
pub(crate) fn watch() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    thread::spawn(move || {
        runtime.block_on(tokio::signal::ctrl_c()).expect("a signal handler");
        INTERRUPTED.store(true, Relaxed);
    });
}

/// Panics after Ctrl-C, except during cleanup.
pub(super) fn check() {
    assert!(!INTERRUPTED.load(Relaxed) || CLEANING_UP.load(Relaxed), "interrupted");
}

/// Runs cleanup, which continues after Ctrl-C.
pub(super) fn clean_up(work: impl FnOnce()) {
    CLEANING_UP.store(true, Relaxed);
    work();
    CLEANING_UP.store(false, Relaxed);
}
