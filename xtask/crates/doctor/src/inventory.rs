//! Lists the containers and volumes of this project, and the services of its compose files.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use anyhow::bail;
use context::{
    engine_kind::EngineKind,
    process::{self, ProbeError},
    project::Project,
    settings::Settings,
    state::State,
};
use engine::Docker;
use serde::Deserialize;

use crate::deadline::Deadline;

/// The time limit of a Docker command in a fix.
const FIX_TIMEOUT: Duration = Duration::from_secs(30);

/// The containers and volumes of this project.
pub(crate) struct Inventory {
    pub(crate) all: Vec<Container>,
    pub(crate) volumes: Vec<Volume>,
    /// The content of the compose files, or the reason why the files cannot be read.
    pub(crate) model: Result<Model, ProbeError>,
    pub(crate) root: PathBuf,
}

#[derive(Clone)]
pub(crate) struct Container {
    pub(crate) name: String,
    pub(crate) service: String,
    /// The state, such as `running` or `exited`.
    pub(crate) state: String,
    /// The status text, such as `Up 3 minutes (healthy)` or `Exited (1) 2 hours ago`.
    pub(crate) status: String,
    /// The checkout that created the container.
    pub(crate) folder: PathBuf,
}

pub(crate) struct Volume {
    pub(crate) name: String,
    /// The name in the compose file.
    pub(crate) key: String,
}

#[derive(Deserialize)]
pub(crate) struct Model {
    pub(crate) services: serde_json::Map<String, serde_json::Value>,
    #[serde(default)]
    pub(crate) volumes: serde_json::Map<String, serde_json::Value>,
}

impl Inventory {
    /// Lists containers and volumes. Returns none if Docker does not respond, which another check reports.
    pub(crate) fn take(
        deadline: &Deadline,
        settings: &Settings,
        state: Option<&State>,
    ) -> Option<Self> {
        let filter = format!("label=com.docker.compose.project={}", settings.project);
        let label = |name: &str| format!("{{{{.Label \"com.docker.compose.{name}\"}}}}");
        let (service, folder) = (label("service"), label("project.working_dir"));
        let container_format =
            format!("{{{{.Names}}}}\t{{{{.State}}}}\t{{{{.Status}}}}\t{service}\t{folder}");
        let volume_format = format!("{{{{.Name}}}}\t{}", label("volume"));
        thread::scope(|scope| {
            let model = scope.spawn(|| model(deadline, state));
            let list = ["volume", "ls", "--filter", &filter, "--format", &volume_format];
            let volumes = scope.spawn(move || deadline.docker(&list));
            let list = ["ps", "--all", "--filter", &filter, "--format", &container_format];
            let all = deadline.docker(&list).ok()?.lines().filter_map(container).collect();
            let volumes = volumes.join().expect("the thread does not panic").ok()?;
            let volume = |line: &str| {
                let (name, key) = line.split_once('\t')?;
                Some(Volume { name: name.to_owned(), key: key.to_owned() })
            };
            Some(Self {
                all,
                volumes: volumes.lines().filter_map(volume).collect(),
                model: model.join().expect("the thread does not panic"),
                root: canonical(&deadline.root),
            })
        })
    }

    /// Returns the containers that this checkout created.
    pub(crate) fn own_containers(&self) -> Vec<&Container> {
        self.all.iter().filter(|container| canonical(&container.folder) == self.root).collect()
    }

    pub(crate) fn find(&self, service: &str) -> Option<&Container> {
        self.all.iter().find(|container| container.service == service)
    }

    /// Returns whether a volume with this full name exists.
    pub(crate) fn has_volume(&self, name: &str) -> bool {
        self.volumes.iter().any(|volume| volume.name == name)
    }
}

pub(crate) fn canonical(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

fn container(line: &str) -> Option<Container> {
    let fields: Vec<_> = line.split('\t').map(str::to_owned).collect();
    let [name, state, status, service, folder] = fields.try_into().ok()?;
    Some(Container { name, service, state, status, folder: folder.into() })
}

fn model(deadline: &Deadline, state: Option<&State>) -> Result<Model, ProbeError> {
    let text = deadline.output(&mut compose(state, &["config", "--format", "json"])?)?;
    serde_json::from_str(&text).map_err(|error| ProbeError::Failed(error.to_string()))
}

/// Returns a `docker compose` command with the same files and environment as in other commands.
pub(crate) fn compose(state: Option<&State>, arguments: &[&str]) -> Result<Command, ProbeError> {
    let failed = |error: anyhow::Error| ProbeError::Failed(format!("{error:#}"));
    let project = Project::open().map_err(failed)?;
    let settings = project.settings().map_err(failed)?;
    let state =
        state.cloned().unwrap_or_else(|| State::new(EngineKind::Docker, String::new(), &settings));
    Ok(Docker::new(&project, settings, &state).command(arguments))
}

/// Runs `docker` for a fix and returns its output.
pub(crate) fn docker(arguments: &[&str]) -> anyhow::Result<String> {
    match process::probe(Command::new("docker").args(arguments), FIX_TIMEOUT) {
        Ok(stdout) => Ok(stdout),
        Err(ProbeError::Failed(stderr)) => bail!("{stderr}"),
        Err(_) => bail!("docker does not respond"),
    }
}
