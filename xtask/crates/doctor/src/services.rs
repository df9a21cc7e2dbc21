//! Checks that each service of the stack is healthy. Otherwise reports the reason from the log.

use std::{fs, sync::mpsc, thread};

use context::{
    engine_kind::EngineKind, http, lock, project::Project, service::Service, state::State,
};
use engine::{postgres, wait_until_ready};

use crate::{
    check_context::CheckContext,
    diagnostic::Diagnostic,
    inventory::{Container, compose},
};

/// The words that mark a log line as the reason of a failure.
const REASONS: [&str; 6] = ["FATAL", "PANIC", "panicked", "ERROR", "error", "denied"];
/// The length limit of a reported log line, in characters.
const LENGTH: usize = 200;
/// The number of recent log lines to search, because older lines belong to older failures.
const LINES: usize = 15;
/// The states of stopped services start with these words.
const STOPPED: [&str; 4] = ["stopped", "exited", "created", "dead"];

pub(crate) fn check(context: &CheckContext) -> Vec<Diagnostic> {
    match context.engine() {
        Some(EngineKind::Docker) => containers(context),
        Some(EngineKind::Local) => processes(context),
        None => Vec::new(),
    }
}

fn containers(context: &CheckContext) -> Vec<Diagnostic> {
    let Some(found) = context.containers() else { return Vec::new() };
    let ours = found.own_containers();
    let mut diagnostics: Vec<_> = ours
        .iter()
        .filter_map(|container| Some((container, unhealthy_state(context, container)?)))
        .map(|(container, state)| unhealthy(&container.service, &state, log(context, container)))
        .collect();
    for service in ["postgres", "api"] {
        let is_missing = ours.iter().all(|container| container.service != service);
        if is_missing && context.state.is_some() {
            let what = format!("{service} should be running, but its container does not exist");
            diagnostics.push(Diagnostic::error("service", what, "cargo xtask up"));
        }
    }
    diagnostics
}

/// Returns the state of an unhealthy container.
fn unhealthy_state(context: &CheckContext, container: &Container) -> Option<String> {
    let Container { service, state, status, .. } = container;
    // Services other than `api` and `postgres` exit when their work is done.
    let has_ended = state == "exited" && status.starts_with("Exited (0)");
    if has_ended && !["api", "postgres"].contains(&service.as_str()) {
        return None;
    }
    if state != "running" || status.contains("(unhealthy)") {
        return Some(status.to_lowercase());
    }
    let is_due = service == "api" && !status.contains("health: starting");
    let port = context.state.as_ref().map(|state| state.api_port).filter(|_| is_due)?;
    not_ready(context, port)
}

fn log(context: &CheckContext, container: &Container) -> Option<String> {
    let logs = ["logs", "--no-log-prefix", "--no-color", "--tail", "60", &container.service];
    reason(&context.deadline.output(&mut compose(context.state.as_ref(), &logs).ok()?).ok()?)
}

fn processes(context: &CheckContext) -> Vec<Diagnostic> {
    let log = |service: &str| {
        let project = Project::open().ok()?;
        let path = match service {
            "api" => project.runtime("api.log"),
            _ => postgres::existing_cluster(&project)?.log(),
        };
        reason(&String::from_utf8_lossy(&fs::read(path).ok()?))
    };
    // Nothing waits for the end of this thread, because the API may respond only after the deadline.
    let (sender, services) = mpsc::channel();
    thread::spawn(move || sender.send(engine_services()));
    let Ok(services) = services.recv_timeout(context.deadline.left()) else {
        return vec![unhealthy("api", "not responding", log("api"))];
    };
    let services = services.unwrap_or_default().into_iter();
    services
        .filter(|service| !service.is_running() || service.health == "unhealthy")
        .map(|Service { name, state, health, .. }| {
            let state = if state == "running" { health } else { state };
            unhealthy(&name, &state, log(&name))
        })
        .collect()
}

fn engine_services() -> anyhow::Result<Vec<Service>> {
    let project = Project::open()?;
    let (engine, _) = engine::current(&project)?;
    engine.services(false)
}

/// Returns the state of the API, unless the API is ready.
fn not_ready(context: &CheckContext, port: u16) -> Option<String> {
    match http::get_within(context.deadline.left(), port, "/health/ready") {
        Ok((200, _)) => None,
        Ok((status, _)) => Some(format!("not ready ({status} on /health/ready)")),
        Err(error) => Some(format!("not responding ({error})")),
    }
}

/// Returns the last recent line with a reason, or the last line.
fn reason(log: &str) -> Option<String> {
    let lines: Vec<_> = log.lines().filter(|line| !line.trim().is_empty()).collect();
    let recent = &lines[lines.len().saturating_sub(LINES)..];
    let has_reason = |line: &&&str| REASONS.iter().any(|word| line.contains(word));
    let line = recent.iter().rev().find(has_reason).or(recent.last())?;
    Some(line.trim().chars().take(LENGTH).collect())
}

fn unhealthy(service: &str, state: &str, log: Option<String>) -> Diagnostic {
    let log = log.map_or_else(String::new, |line| format!("; last log message: {line}"));
    let what = format!("{service} is {state}{log}");
    let remedy = format!("find the cause with cargo xtask logs {service}, then run cargo xtask up");
    let diagnostic = Diagnostic::error("service", what, remedy);
    // A restart helps only services that have stopped, so only they get a fix.
    if !STOPPED.iter().any(|start| state.starts_with(start)) {
        return diagnostic;
    }
    let service = service.to_owned();
    diagnostic.with_fix(move |project| restart(project, &service))
}

/// Restarts a service in the same way as `cargo xtask restart`.
fn restart(project: &Project, service: &str) -> anyhow::Result<String> {
    let _lock = lock::take(project)?;
    let (mut engine, mut state) = engine::current(project)?;
    state.api = engine.restart(Some(service))?;
    if State::load(project).is_some() {
        state.save(project)?;
    }
    // Waits only if the API runs. If the API has stopped, the next fix starts it.
    if engine.api_failure()?.is_none() {
        wait_until_ready(&*engine, state.api_port)?;
    }
    Ok(format!("restarted {service}"))
}
