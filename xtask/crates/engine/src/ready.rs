//! Waits until the API is ready.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::bail;
use context::http;

use crate::engine::Engine;

const API_TIMEOUT: Duration = Duration::from_mins(1);

/// Waits until the API responds and reaches its database.
///
/// # Errors
/// The API has stopped or keeps crashing, or it is not ready after a minute.
pub fn wait_until_ready(engine: &dyn Engine, port: u16) -> anyhow::Result<()> {
    let started = Instant::now();
    let mut checked = started;
    while !(http::is_ready(port) && engine.has_api_port()) {
        if started.elapsed() > API_TIMEOUT {
            bail!("the API is not ready after a minute; see `cargo xtask logs api`");
        }
        if checked.elapsed() > Duration::from_secs(1) {
            checked = Instant::now();
            if let Some(log) = engine.api_failure()? {
                bail!("the API stopped; the end of its log:\n{log}");
            }
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
