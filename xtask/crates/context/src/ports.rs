//! Finds free ports on this machine, and the processes that use a port.

use std::{
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use local_postgres::is_free;

use crate::{
    listener::{self, Listener},
    process, report,
    service::Service,
    settings::Settings,
    state::State,
};

/// The number of ports to try after the configured port.
const RANGE: u16 = 100;

/// Chooses the ports of the stack: the configured port, else the port in use, else the next free port.
///
/// # Errors
/// With `strict`, a configured port is taken. Without `strict`, the next 100 ports are taken too.
pub fn claim(
    state: &mut State,
    settings: &Settings,
    running: &[Service],
    strict: bool,
) -> anyhow::Result<()> {
    if state.api.is_some() && held(running, "api").is_none() {
        await_orphan(state.api_port);
    }
    let port_for = |name: &str, variable: &str, wanted: u16| match held(running, name) {
        Some(port) if port == wanted => Ok(port),
        Some(port) if !strict && !is_free(wanted) => Ok(port),
        _ => free_port(variable, wanted, strict),
    };
    state.api_port = port_for("api", "API_PORT", settings.api_port)?;
    state.postgres_port = port_for("postgres", "POSTGRES_PORT", settings.postgres_port)?;
    Ok(())
}

/// Waits up to a second until the server of a killed supervisor exits and frees its port.
fn await_orphan(port: u16) {
    let started = Instant::now();
    while !is_free(port) && started.elapsed() < Duration::from_secs(1) {
        thread::sleep(Duration::from_millis(20));
    }
}

/// Returns whether the stack uses other ports than the settings.
pub fn differ_from_settings(state: &State, settings: &Settings) -> bool {
    (state.api_port, state.postgres_port) != (settings.api_port, settings.postgres_port)
}

/// Returns whether another process has taken a port that was chosen for the stack.
pub fn were_taken(state: &State, running: &[Service]) -> bool {
    [("api", state.api_port), ("postgres", state.postgres_port)]
        .into_iter()
        .any(|(name, port)| held(running, name) != Some(port) && !is_free(port))
}

/// Returns the port of a running service of the stack.
fn held(running: &[Service], name: &str) -> Option<u16> {
    // In production, the port of the API belongs to nginx.
    let is_it = |service: &&Service| {
        (service.name == name || (name == "api" && service.name == "nginx")) && service.is_running()
    };
    running.iter().filter(is_it).find_map(|service| service.port)
}

/// Returns `wanted` if it is free, otherwise prints a note and returns the next free port.
fn free_port(variable: &str, wanted: u16, strict: bool) -> anyhow::Result<u16> {
    if is_free(wanted) {
        return Ok(wanted);
    }
    let owner = owner(wanted);
    if strict {
        bail!(
            "port {wanted} ({variable}) is taken by {owner}. Free the port or change {variable} in .env."
        );
    }
    let port = next_free(variable, wanted)?;
    report::note(&format!(
        "port {wanted} is taken by {owner}; using {port} instead. To choose another port, set {variable} in .env."
    ));
    Ok(port)
}

/// Returns the first free port after `wanted`.
pub fn next_free(variable: &str, wanted: u16) -> anyhow::Result<u16> {
    let last = wanted.saturating_add(RANGE);
    (wanted.saturating_add(1)..=last)
        .find(|port| is_free(*port))
        .with_context(|| format!("ports {wanted} to {last} are all taken. Set {variable} in .env."))
}

/// Describes what listens on `port`: the container that publishes the port, otherwise the process.
pub fn owner(port: u16) -> String {
    let mut docker = Command::new("docker");
    let published = format!("publish={port}");
    docker.args(["ps", "--filter", &published, "--format", "{{.Names}}"]);
    if let Ok(container) = process::probe(&mut docker, Duration::from_secs(1))
        && !container.is_empty()
    {
        return format!("the container {container}");
    }
    let found = listener::on_port(port).ok().and_then(|found| found.into_iter().next());
    found.map_or_else(
        || "a process that this user cannot inspect".to_owned(),
        |Listener { pid, name }| format!("{name} (process {pid})"),
    )
}
