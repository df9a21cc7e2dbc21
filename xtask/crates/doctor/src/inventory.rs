//! The containers and volumes of this project, and the services that the compose files name.

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

/// Removing and starting a container may take a while.
const FIX_TIMEOUT: Duration = Duration::from_secs(30);

/// What Docker has of this project.
pub(crate) struct Inventory {
    pub(crate) all: Vec<Container>,
    pub(crate) volumes: Vec<Volume>,
    /// What the compose files name, or why they cannot be read.
    pub(crate) model: Result<Model, ProbeError>,
    pub(crate) root: PathBuf,
}

#[derive(Clone)]
pub(crate) struct Container {
    pub(crate) name: String,
    pub(crate) service: String,
    /// `running`, `exited` …
    pub(crate) state: String,
    /// As for people: `Up 3 minutes (healthy)`, `Exited (1) 2 hours ago`.
    pub(crate) status: String,
    /// The checkout that made it.
    pub(crate) folder: PathBuf,
}

pub(crate) struct Volume {
    pub(crate) name: String,
    /// Its name in the compose file.
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
        let of_container =
            format!("{{{{.Names}}}}\t{{{{.State}}}}\t{{{{.Status}}}}\t{service}\t{folder}");
        let of_volume = format!("{{{{.Name}}}}\t{}", label("volume"));
        thread::scope(|scope| {
            let model = scope.spawn(|| model(deadline, state));
            let list = ["volume", "ls", "--filter", &filter, "--format", &of_volume];
            let volumes = scope.spawn(move || deadline.docker(&list));
            let list = ["ps", "--all", "--filter", &filter, "--format", &of_container];
            let all = deadline.docker(&list).ok()?.lines().filter_map(container).collect();
            let volumes = volumes.join().expect("asking does not panic").ok()?;
            let volume = |line: &str| {
                let (name, key) = line.split_once('\t')?;
                Some(Volume { name: name.to_owned(), key: key.to_owned() })
            };
            Some(Self {
                all,
                volumes: volumes.lines().filter_map(volume).collect(),
                model: model.join().expect("asking does not panic"),
                root: real(&deadline.root),
            })
        })
    }

    /// Those that this checkout made.
    pub(crate) fn ours(&self) -> Vec<&Container> {
        self.all.iter().filter(|container| real(&container.folder) == self.root).collect()
    }

    pub(crate) fn find(&self, service: &str) -> Option<&Container> {
        self.all.iter().find(|container| container.service == service)
    }

    /// Whether there is a volume of that full name.
    pub(crate) fn has_volume(&self, name: &str) -> bool {
        self.volumes.iter().any(|volume| volume.name == name)
    }
}

pub(crate) fn real(path: &Path) -> PathBuf {
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

/// A call of Compose as all others are made.
pub(crate) fn compose(state: Option<&State>, arguments: &[&str]) -> Result<Command, ProbeError> {
    let failed = |error: anyhow::Error| ProbeError::Failed(format!("{error:#}"));
    let project = Project::open().map_err(failed)?;
    let settings = project.settings().map_err(failed)?;
    let state =
        state.cloned().unwrap_or_else(|| State::new(EngineKind::Docker, String::new(), &settings));
    Ok(Docker::new(&project, settings, &state).command(arguments))
}

/// Has Docker do something for a fix.
pub(crate) fn docker(arguments: &[&str]) -> anyhow::Result<String> {
    match process::probe(Command::new("docker").args(arguments), FIX_TIMEOUT) {
        Ok(said) => Ok(said),
        Err(ProbeError::Failed(said)) => bail!("{said}"),
        Err(_) => bail!("docker does not answer"),
    }
}
