//! Checks that each service of a stack that is up runs and is healthy; if not, reports the reason from its log.

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

/// What a line says that tells why.
const REASONS: [&str; 6] = ["FATAL", "PANIC", "panicked", "ERROR", "error", "denied"];
const LENGTH: usize = 200;
/// Older lines tell of older troubles.
const LINES: usize = 15;
/// How the state of a service begins that does not run.
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
    let ours = found.ours();
    let mut diagnostics: Vec<_> = ours
        .iter()
        .filter_map(|container| Some((container, ill(context, container)?)))
        .map(|(container, state)| ill_service(&container.service, &state, log(context, container)))
        .collect();
    for service in ["postgres", "api"] {
        let is_missing = ours.iter().all(|container| container.service != service);
        if is_missing && context.state.is_some() {
            let what = format!("{service} is up by our records, and has no container");
            diagnostics.push(Diagnostic::error("service", what, "cargo xtask up"));
        }
    }
    diagnostics
}

/// How a container is, if not well.
fn ill(context: &CheckContext, container: &Container) -> Option<String> {
    let Container { service, state, status, .. } = container;
    // A service that ends by itself has done its work.
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
    // Asking the API may take longer than we have: nobody waits for this thread.
    let (answer, services) = mpsc::channel();
    thread::spawn(move || answer.send(of_engine()));
    let Ok(services) = services.recv_timeout(context.deadline.left()) else {
        return vec![ill_service("api", "not answering", log("api"))];
    };
    let services = services.unwrap_or_default().into_iter();
    services
        .filter(|service| !service.is_running() || service.health == "unhealthy")
        .map(|Service { name, state, health, .. }| {
            let how = if state == "running" { health } else { state };
            ill_service(&name, &how, log(&name))
        })
        .collect()
}

fn of_engine() -> anyhow::Result<Vec<Service>> {
    let project = Project::open()?;
    let (engine, _) = engine::current(&project)?;
    engine.services(false)
}

/// What the API says of itself, unless it is ready.
fn not_ready(context: &CheckContext, port: u16) -> Option<String> {
    match http::get_within(context.deadline.left(), port, "/health/ready") {
        Ok((200, _)) => None,
        Ok((status, _)) => Some(format!("not ready ({status} on /health/ready)")),
        Err(error) => Some(format!("not answering ({error})")),
    }
}

/// The last line that tells a reason, or else the last one of all.
fn reason(log: &str) -> Option<String> {
    let lines: Vec<_> = log.lines().filter(|line| !line.trim().is_empty()).collect();
    let recent = &lines[lines.len().saturating_sub(LINES)..];
    let tells = |line: &&&str| REASONS.iter().any(|word| line.contains(word));
    let line = recent.iter().rev().find(tells).or(recent.last())?;
    Some(line.trim().chars().take(LENGTH).collect())
}

fn ill_service(service: &str, state: &str, log: Option<String>) -> Diagnostic {
    let log = log.map_or_else(String::new, |line| format!("; its log says: {line}"));
    let what = format!("{service} is {state}{log}");
    let remedy = format!("cargo xtask logs {service}, then cargo xtask up");
    let diagnostic = Diagnostic::error("service", what, remedy);
    // One that runs and is not well would not be better for another start.
    if !STOPPED.iter().any(|start| state.starts_with(start)) {
        return diagnostic;
    }
    let service = service.to_owned();
    diagnostic.with_fix(move |project| restart(project, &service))
}

/// As `cargo xtask restart` does it.
fn restart(project: &Project, service: &str) -> anyhow::Result<String> {
    let _lock = lock::take(project)?;
    let (mut engine, mut state) = engine::current(project)?;
    state.api = engine.restart(Some(service))?;
    if State::load(project).is_some() {
        state.save(project)?;
    }
    // Where the API is down, it is started next.
    if engine.api_failure()?.is_none() {
        wait_until_ready(&*engine, state.api_port)?;
    }
    Ok(format!("started {service} again"))
}
