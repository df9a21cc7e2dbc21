//! Finds a stack that plain `docker compose up` started.

use std::{process::Command, time::Duration};

use context::{
    engine_kind::EngineKind, process, project::Project, settings::Settings, state::State,
};

use crate::{docker::Docker, engine::Engine};

/// Returns the state of a stack that plain `docker compose up` started. Returns `None` if there is no such stack.
pub(crate) fn find(project: &Project, settings: &Settings) -> Option<State> {
    let label = format!("label=com.docker.compose.project={}", settings.project);
    let mut list = Command::new("docker");
    list.args(["ps", "--all", "--quiet", "--filter", &label]);
    let containers = process::probe(&mut list, Duration::from_secs(2)).ok()?;
    if containers.is_empty() {
        return None;
    }
    let why = "started by plain `docker compose`".to_owned();
    let mut state = State { production: false, ..State::new(EngineKind::Docker, why, settings) };
    let docker = Docker::new(project, project.settings().ok()?, &state);
    for service in docker.services(false).ok()? {
        match (service.name.as_str(), service.port) {
            ("api", Some(port)) => state.api_port = port,
            ("postgres", Some(port)) => state.postgres_port = port,
            _ => {}
        }
    }
    Some(state)
}
