//! Converts the containers of the stack to services.

use std::process::Command;

use anyhow::Context;
use context::{container_memory, http, service::Service};
use serde::Deserialize;

/// The HTTPS port of nginx in its container.
const TLS_PORT: u16 = 8443;

/// A container in the output of `docker compose ps`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Container {
    #[serde(rename = "ID")]
    id: String,
    service: String,
    state: String,
    health: String,
    running_for: String,
    #[serde(default)]
    publishers: Option<Vec<Publisher>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Publisher {
    published_port: u16,
    target_port: u16,
}

/// Parses the output of `docker compose ps --format json`.
pub(super) fn parse(lines: &str) -> anyhow::Result<Vec<Container>> {
    let parse =
        |line| serde_json::from_str(line).context("cannot parse the output of `docker compose ps`");
    lines.lines().map(parse).collect()
}

/// Returns a service for each container. With `memory`, includes the memory use, which takes about two seconds.
pub(super) fn services(containers: Vec<Container>, memory: bool, api_port: u16) -> Vec<Service> {
    let running = containers.iter().filter(|found| memory && found.state == "running");
    let ids = running.map(|found| found.id.as_str());
    let memory = container_memory::by_id(Command::new("docker"), ids);
    let service = |container: Container| Service {
        health: health(&container, api_port),
        memory: memory.get(&container.id).copied(),
        port: container
            .publishers
            .iter()
            .flatten()
            .filter(|found| found.target_port != TLS_PORT)
            .map(|found| found.published_port)
            .find(|port| *port != 0),
        name: container.service,
        state: container.state,
        uptime: container.running_for.trim_end_matches(" ago").to_owned(),
    };
    containers.into_iter().map(service).collect()
}

/// Returns the health from Docker, or from the API itself while Docker reports `starting`.
fn health(container: &Container, api_port: u16) -> String {
    let is_due = container.service == "api" && container.health == "starting";
    let is_ready = is_due && http::is_ready(api_port);
    if is_ready { "healthy".to_owned() } else { container.health.clone() }
}
