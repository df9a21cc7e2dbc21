//! Checks that no other program uses the ports in the settings.

use std::{env, thread};

use context::{env_file, ports, settings::Settings};
use local_postgres::is_free;

use crate::{check_context::CheckContext, diagnostic::Diagnostic};

pub(crate) fn check(context: &CheckContext) -> Vec<Diagnostic> {
    let Some(settings) = &context.settings else { return Vec::new() };
    let state = context.state.as_ref();
    let wanted = [
        ("API_PORT", settings.api_port, state.map(|state| state.api_port)),
        ("POSTGRES_PORT", settings.postgres_port, state.map(|state| state.postgres_port)),
    ];
    thread::scope(|scope| {
        let checks: Vec<_> = wanted
            .into_iter()
            // A port of the running stack is not a conflict.
            .filter(|(_, wanted, held)| *held != Some(*wanted))
            .map(|(name, wanted, held)| {
                scope.spawn(move || taken(context, settings, name, wanted, held))
            })
            .collect();
        let found = checks.into_iter().map(|check| check.join().expect("a check does not panic"));
        found.flatten().collect()
    })
}

fn taken(
    context: &CheckContext,
    settings: &Settings,
    variable: &'static str,
    wanted: u16,
    held: Option<u16>,
) -> Option<Diagnostic> {
    if is_free(wanted) {
        return None;
    }
    let owner = ports::owner(wanted);
    // The port belongs to a container of this project that plain `docker compose` started, so there is no conflict.
    if owner.starts_with(&format!("the container {}-", settings.project)) {
        return None;
    }
    let next = held.or_else(|| ports::next_free(variable, wanted).ok())?;
    let what =
        format!("{owner} uses port {wanted} ({variable}), so `cargo xtask up` will use {next}");
    let remedy = format!("stop that program, or set {variable}={next} in .env");
    let diagnostic = Diagnostic::warning("port", what, remedy);
    if env::var_os(variable).is_some() || !env_file::path(&context.deadline.root).exists() {
        return Some(diagnostic);
    }
    Some(diagnostic.with_fix(move |project| {
        env_file::set(&project.root, &[(variable, &next.to_string())])?;
        Ok(format!("set {variable}={next} in .env"))
    }))
}
