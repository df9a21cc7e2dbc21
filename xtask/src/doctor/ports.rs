//! The ports of the settings: who has them, if not we.

use std::{env, thread};

use local_postgres::is_free;

use super::{Finding, Scene};
use crate::{env_file, ports, settings::Settings};

pub(super) fn look(scene: &Scene) -> Vec<Finding> {
    let Some(settings) = &scene.settings else { return Vec::new() };
    let state = scene.state.as_ref();
    let wanted = [
        ("API_PORT", settings.api_port, state.map(|state| state.api_port)),
        ("POSTGRES_PORT", settings.postgres_port, state.map(|state| state.postgres_port)),
    ];
    thread::scope(|scope| {
        let looking: Vec<_> = wanted
            .into_iter()
            // The stack itself has it, or had it and is ill.
            .filter(|(_, wanted, held)| *held != Some(*wanted))
            .map(|(name, wanted, held)| {
                scope.spawn(move || taken(scene, settings, name, wanted, held))
            })
            .collect();
        let found = looking.into_iter().map(|port| port.join().expect("looking does not panic"));
        found.flatten().collect()
    })
}

fn taken(
    scene: &Scene,
    settings: &Settings,
    variable: &'static str,
    wanted: u16,
    held: Option<u16>,
) -> Option<Finding> {
    if is_free(wanted) {
        return None;
    }
    let owner = ports::owner(wanted);
    // Plain `docker compose` started it.
    if owner.starts_with(&format!("the container {}-", settings.project)) {
        return None;
    }
    let next = held.or_else(|| ports::next_free(variable, wanted).ok())?;
    let what = format!("port {wanted} ({variable}) is taken by {owner}; `up` takes {next} instead");
    let remedy = format!("stop that, or set {variable}={next} in .env");
    let finding = Finding::doubtful("port", what, remedy);
    if env::var_os(variable).is_some() || !env_file::path(&scene.root).exists() {
        return Some(finding);
    }
    Some(finding.mended_by(move |project| {
        env_file::set(&project.root, &[(variable, &next.to_string())])?;
        Ok(format!("{variable} is {next} in .env now"))
    }))
}
