//! Ports of this machine: whether one is free, who has it, which is the next free one.

use std::{process::Command, time::Duration};

use anyhow::{Context, bail};
use local_postgres::is_free;

use crate::{process, report};

/// How many ports after the one asked for are tried.
const RANGE: u16 = 100;

/// `wanted` if it is free, else the next free one, saying whose the wanted one is.
///
/// # Errors
/// With `strict`, a taken port; without, a hundred taken ports.
pub(crate) fn claim(variable: &str, wanted: u16, strict: bool) -> anyhow::Result<u16> {
    if is_free(wanted) {
        return Ok(wanted);
    }
    let owner = owner(wanted);
    if strict {
        bail!(
            "port {wanted} ({variable}) is taken by {owner}: stop that, or set {variable} in .env"
        );
    }
    let last = wanted.saturating_add(RANGE);
    let port = (wanted.saturating_add(1)..=last)
        .find(|port| is_free(*port))
        .with_context(|| format!("ports {wanted} to {last} ({variable}) are all taken"))?;
    report::note(&format!("port {wanted} is taken by {owner}: using {port} ({variable} in .env)"));
    Ok(port)
}

/// Who listens on `port`: a container if one publishes it, else a process.
fn owner(port: u16) -> String {
    let mut docker = Command::new("docker");
    let published = format!("publish={port}");
    docker.args(["ps", "--filter", &published, "--format", "{{.Names}}"]);
    if let Ok(container) = process::probe(&mut docker, Duration::from_secs(1))
        && !container.is_empty()
    {
        return format!("the container {container}");
    }
    listeners::get_process_by_port(port, listeners::Protocol::TCP).map_or_else(
        |_| "a process that may not be looked at".to_owned(),
        |process| format!("{} (process {})", process.name, process.pid),
    )
}
