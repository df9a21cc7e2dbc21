//! Ctrl-C: ends the scenario and not this process, so that what was started is taken down.

use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
};

static CAME: AtomicBool = AtomicBool::new(false);
static TAKING_DOWN: AtomicBool = AtomicBool::new(false);

/// Waits for Ctrl-C from now on.
pub(crate) fn watch() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    thread::spawn(move || {
        runtime.block_on(tokio::signal::ctrl_c()).expect("signals can be waited for");
        CAME.store(true, Relaxed);
    });
}

/// Fails the scenario once Ctrl-C has come, but nothing that takes a stack down.
pub(super) fn check() {
    assert!(!CAME.load(Relaxed) || TAKING_DOWN.load(Relaxed), "interrupted");
}

/// Does what must be done after Ctrl-C, too.
pub(super) fn take_down(work: impl FnOnce()) {
    TAKING_DOWN.store(true, Relaxed);
    work();
    TAKING_DOWN.store(false, Relaxed);
}
