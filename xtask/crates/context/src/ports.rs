//! Ports of this machine: which are free, and which process has the others.

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

/// How many ports after the one asked for are tried.
const RANGE: u16 = 100;

/// Keeps the ports that the stack holds already where they are those of the settings, or as good as
/// can be had, and takes the others.
///
/// # Errors
/// With `strict`, a port of the settings that somebody else has; without, a hundred taken ports.
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
        // Wanted was taken then, or the settings have changed since.
        Some(port) if !strict && !is_free(wanted) => Ok(port),
        _ => free_port(variable, wanted, strict),
    };
    state.api_port = port_for("api", "API_PORT", settings.api_port)?;
    state.postgres_port = port_for("postgres", "POSTGRES_PORT", settings.postgres_port)?;
    Ok(())
}

/// Gives the server of a supervisor that was killed the moment it takes to notice and leave its port.
fn await_orphan(port: u16) {
    let started = Instant::now();
    while !is_free(port) && started.elapsed() < Duration::from_secs(1) {
        thread::sleep(Duration::from_millis(20));
    }
}

/// Whether the stack is on other ports than the settings ask for.
pub fn are_others(state: &State, settings: &Settings) -> bool {
    (state.api_port, state.postgres_port) != (settings.api_port, settings.postgres_port)
}

/// Whether somebody else has a port now that was claimed for the stack.
pub fn are_lost(state: &State, running: &[Service]) -> bool {
    [("api", state.api_port), ("postgres", state.postgres_port)]
        .into_iter()
        .any(|(name, port)| held(running, name) != Some(port) && !is_free(port))
}

/// The port that a running service of ours has.
fn held(running: &[Service], name: &str) -> Option<u16> {
    // In production, nginx has the port of the API.
    let is_it = |service: &&Service| {
        (service.name == name || (name == "api" && service.name == "nginx")) && service.is_running()
    };
    running.iter().filter(is_it).find_map(|service| service.port)
}

/// `wanted` if it is free, else the next free one, saying whose the wanted one is.
fn free_port(variable: &str, wanted: u16, strict: bool) -> anyhow::Result<u16> {
    if is_free(wanted) {
        return Ok(wanted);
    }
    let owner = owner(wanted);
    if strict {
        bail!(
            "port {wanted} ({variable}) is taken by {owner}: stop that, or set {variable} in .env"
        );
    }
    let port = next_free(variable, wanted)?;
    report::note(&format!("port {wanted} is taken by {owner}: using {port} ({variable} in .env)"));
    Ok(port)
}

/// The first free port after `wanted`.
pub fn next_free(variable: &str, wanted: u16) -> anyhow::Result<u16> {
    let last = wanted.saturating_add(RANGE);
    (wanted.saturating_add(1)..=last)
        .find(|port| is_free(*port))
        .with_context(|| format!("ports {wanted} to {last} ({variable}) are all taken"))
}

/// Who listens on `port`: a container if one publishes it, else a process.
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
        || "a process that may not be looked at".to_owned(),
        |Listener { pid, name }| format!("{name} (process {pid})"),
    )
}
