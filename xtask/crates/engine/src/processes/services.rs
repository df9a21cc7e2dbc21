//! Converts processes on this machine to services.

use std::time::Duration;

use context::{process::Running, service::Service};

/// Returns the service of this process. Without a process, the service is stopped.
pub(crate) fn service(
    name: &str,
    process: Option<&Running>,
    port: Option<u16>,
    is_ready: bool,
) -> Service {
    let health = match (process, is_ready) {
        (Some(_), true) => "healthy",
        (Some(_), false) => "unhealthy",
        (None, _) => "",
    };
    Service {
        name: name.to_owned(),
        state: if process.is_some() { "running" } else { "stopped" }.to_owned(),
        health: health.to_owned(),
        port: process.and(port),
        uptime: process.map_or_else(String::new, |running| duration(running.uptime())),
        memory: process.map(Running::memory),
    }
}

/// Formats an uptime as Docker does: `2 hours`.
fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    let (number, unit) = match seconds {
        0..60 => (seconds, "second"),
        60..3600 => (seconds / 60, "minute"),
        3600..86400 => (seconds / 3600, "hour"),
        _ => (seconds / 86400, "day"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}
