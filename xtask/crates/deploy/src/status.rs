//! The status of the production stack on a server.

use std::thread;

use serde::Serialize;

use crate::{
    checks::{self, Check},
    history::{self, Record},
    image,
    proxy::Proxy,
    rolling_update,
    server::Server,
};
use context::{container_memory, process, service::Service};

/// The production stack on a server.
#[derive(Serialize)]
pub struct ProductionStatus {
    /// True if the API is ready when called through nginx.
    pub ready: bool,
    /// The running releases, most replicas first.
    pub releases: Vec<Release>,
    /// The last command. `None` before the first deployment. Also `None` if nginx is not running, because the image of
    /// nginx reads the history.
    pub last: Option<Record>,
    /// The output of the migration tool. `None` if no replica is running or the database is unreachable.
    pub schema: Option<serde_json::Value>,
    /// The containers.
    pub services: Vec<Service>,
    /// The checks. Empty if nothing runs.
    pub checks: Vec<Check>,
}

impl ProductionStatus {
    /// Returns whether the API is not ready or a check found a problem.
    pub fn is_abnormal(&self) -> bool {
        !self.ready || self.checks.iter().any(Check::is_abnormal)
    }
}

/// A running release.
#[derive(Serialize)]
pub struct Release {
    /// The tag of the images of the release.
    pub tag: String,
    /// The number of replicas of the release.
    pub replicas: usize,
}

/// A line of `docker ps`.
struct Container {
    id: String,
    image: String,
    service: String,
    known: Service,
}

/// Queries the status of the server. The queries run concurrently.
pub fn ask(server: &Server) -> anyhow::Result<ProductionStatus> {
    let containers = list(server)?;
    let up = || containers.iter().filter(|it| it.known.is_running());
    let running = |service| up().filter(move |it| it.service == service);
    let (api, nginx) = (running("api").next(), running("nginx").next());
    let replicas: Vec<_> = running("api").map(|it| it.id.as_str()).collect();
    let (memory, ready, schema, last, checks) = thread::scope(|scope| {
        let checks = scope.spawn(|| match containers.as_slice() {
            [] => Vec::new(),
            _ => checks::run(server, &replicas, nginx.map(|it| it.id.as_str())),
        });
        let ready = scope.spawn(|| is_ready(server, api?, nginx?));
        let schema = scope.spawn(|| schema(server, api?));
        let last = scope.spawn(|| history::read(server, &nginx?.image).ok()?.pop());
        let memory =
            container_memory::by_id(server.docker::<&str>([]), up().map(|it| it.id.as_str()));
        let message = "queries do not panic";
        let (ready, schema) = (ready.join().expect(message), schema.join().expect(message));
        let checks = checks.join().expect(message);
        (memory, ready, schema, last.join().expect(message), checks)
    });
    let releases = rolling_update::count(running("api").map(|it| it.image.clone()));
    let release = |(image, replicas): (String, usize)| Release {
        tag: image::tag_of(&image).to_owned(),
        replicas,
    };
    let services = containers
        .into_iter()
        .map(|Container { id, known, .. }| Service { memory: memory.get(&id).copied(), ..known });
    Ok(ProductionStatus {
        ready: ready.is_some(),
        releases: releases.into_iter().map(release).collect(),
        last,
        schema,
        checks,
        services: services.collect(),
    })
}

fn list(server: &Server) -> anyhow::Result<Vec<Container>> {
    let format = "{{.ID}}\t{{.Image}}\t{{.Names}}\t{{.State}}\t{{.Status}}\t{{.Ports}}\t\
                  {{.Label \"com.docker.compose.service\"}}";
    let mut ps = server.docker(["ps", "--all", "--format", format]);
    let lines = process::output(ps.args(server.filters(None)))?;
    let container = |line: &str| {
        let fields: Vec<_> = line.split('\t').collect();
        let [id, image, name, state, status, ports, service] = fields[..] else { return None };
        // The status of a running container is a text such as `Up 2 hours (healthy)`.
        let up = status.strip_prefix("Up ").map(|it| it.split_once(" (").unwrap_or((it, "")));
        let (uptime, health) = up.unwrap_or((status, ""));
        let prefix = format!("{}-", server.name());
        Some(Container {
            id: id.to_owned(),
            image: image.to_owned(),
            service: service.to_owned(),
            known: Service {
                name: name.strip_prefix(&prefix).unwrap_or(name).to_owned(),
                state: state.to_owned(),
                health: health.trim_start_matches("health: ").trim_end_matches(')').to_owned(),
                port: tls_port(ports),
                uptime: uptime.to_owned(),
                memory: None,
            },
        })
    };
    let mut containers: Vec<_> = lines.lines().filter_map(container).collect();
    containers.sort_by_key(|it| (it.service.clone(), it.known.name.len(), it.known.name.clone()));
    Ok(containers)
}

/// Returns the HTTPS port of nginx: 443 for `0.0.0.0:80->8080/tcp, 0.0.0.0:443->8443/tcp`.
fn tls_port(ports: &str) -> Option<u16> {
    let tls = ports.split(", ").find_map(|it| it.strip_suffix("->8443/tcp"))?;
    tls.rsplit(':').next()?.parse().ok()
}

fn is_ready(server: &Server, api: &Container, nginx: &Container) -> Option<()> {
    Proxy { server, container: nginx.id.clone() }.check_readiness(&api.id).ok()
}

fn schema(server: &Server, api: &Container) -> Option<serde_json::Value> {
    let status = ["exec", &api.id, "/migrate", "status", "--json"];
    serde_json::from_slice(&server.docker(status).output().ok()?.stdout).ok()
}
