//! The containers and volumes of this project: what Docker has, and what the compose files name.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use anyhow::bail;
use serde::Deserialize;

use super::{Finding, Scene, scene::some_of};
use crate::{
    engine::{Docker, Kind},
    env_file,
    process::{self, Silence},
    project::Project,
    settings::Settings,
    state::State,
};

/// Removing and starting a container may take a while.
const FIX_PATIENCE: Duration = Duration::from_secs(30);

/// What Docker has of this project.
pub(super) struct Containers {
    all: Vec<Container>,
    volumes: Vec<Volume>,
    /// What the compose files name, or why they cannot be read.
    model: Result<Model, Silence>,
    root: PathBuf,
}

#[derive(Clone)]
pub(super) struct Container {
    pub(super) name: String,
    pub(super) service: String,
    /// `running`, `exited` …
    pub(super) state: String,
    /// As for people: `Up 3 minutes (healthy)`, `Exited (1) 2 hours ago`.
    pub(super) status: String,
    /// The checkout that made it.
    folder: PathBuf,
}

struct Volume {
    name: String,
    /// Its name in the compose file.
    key: String,
}

#[derive(Deserialize)]
struct Model {
    services: serde_json::Map<String, serde_json::Value>,
    #[serde(default)]
    volumes: serde_json::Map<String, serde_json::Value>,
}

impl Containers {
    /// None where Docker does not answer, which is told elsewhere.
    pub(super) fn ask(scene: &Scene) -> Option<Self> {
        let settings = scene.settings.as_ref()?;
        let filter = format!("label=com.docker.compose.project={}", settings.project);
        let label = |name: &str| format!("{{{{.Label \"com.docker.compose.{name}\"}}}}");
        let (service, folder) = (label("service"), label("project.working_dir"));
        let of_container =
            format!("{{{{.Names}}}}\t{{{{.State}}}}\t{{{{.Status}}}}\t{service}\t{folder}");
        let of_volume = format!("{{{{.Name}}}}\t{}", label("volume"));
        thread::scope(|scope| {
            let model = scope.spawn(|| model(scene));
            let list = ["volume", "ls", "--filter", &filter, "--format", &of_volume];
            let volumes = scope.spawn(move || scene.docker(&list));
            let list = ["ps", "--all", "--filter", &filter, "--format", &of_container];
            let all = scene.docker(&list).ok()?.lines().filter_map(container).collect();
            let volumes = volumes.join().expect("asking does not panic").ok()?;
            let volume = |line: &str| {
                let (name, key) = line.split_once('\t')?;
                Some(Volume { name: name.to_owned(), key: key.to_owned() })
            };
            Some(Self {
                all,
                volumes: volumes.lines().filter_map(volume).collect(),
                model: model.join().expect("asking does not panic"),
                root: real(&scene.root),
            })
        })
    }

    /// Those that this checkout made.
    pub(super) fn ours(&self) -> Vec<&Container> {
        self.all.iter().filter(|container| real(&container.folder) == self.root).collect()
    }

    pub(super) fn find(&self, service: &str) -> Option<&Container> {
        self.all.iter().find(|container| container.service == service)
    }

    /// Whether there is a volume of that full name.
    pub(super) fn has_volume(&self, name: &str) -> bool {
        self.volumes.iter().any(|volume| volume.name == name)
    }
}

fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

fn container(line: &str) -> Option<Container> {
    let fields: Vec<_> = line.split('\t').map(str::to_owned).collect();
    let [name, state, status, service, folder] = fields.try_into().ok()?;
    Some(Container { name, service, state, status, folder: folder.into() })
}

fn model(scene: &Scene) -> Result<Model, Silence> {
    let text = scene.ask(&mut compose(scene, &["config", "--format", "json"])?)?;
    serde_json::from_str(&text).map_err(|error| Silence::Failed(error.to_string()))
}

/// A call of Compose as all others are made.
pub(super) fn compose(scene: &Scene, arguments: &[&str]) -> Result<Command, Silence> {
    let failed = |error: anyhow::Error| Silence::Failed(format!("{error:#}"));
    let project = Project::open().map_err(failed)?;
    let settings = project.settings().map_err(failed)?;
    let state = scene.state.clone().unwrap_or_else(|| unknown(&settings));
    Ok(Docker::new(&project, settings, &state).command(arguments))
}

/// The state of a stack that `cargo xtask up` has not started.
fn unknown(settings: &Settings) -> State {
    State {
        engine: Kind::Docker,
        why: String::new(),
        production: settings.production,
        api_port: settings.api_port,
        postgres_port: settings.postgres_port,
        built: None,
        api: None,
    }
}

pub(super) fn look(scene: &Scene) -> Vec<Finding> {
    let (Some(found), Some(settings)) = (scene.containers(), &scene.settings) else {
        return Vec::new();
    };
    [
        second_checkout(scene, settings, found),
        broken_model(scene, found),
        orphans(found),
        volumes(found),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn second_checkout(scene: &Scene, settings: &Settings, found: &Containers) -> Option<Finding> {
    // A folder that is gone was moved, or is no rival any more.
    let is_other = |container: &&Container| {
        real(&container.folder) != found.root && container.folder.join("compose.yaml").exists()
    };
    let other = found.all.iter().find(is_other)?.folder.clone();
    let what = format!(
        "{} has the same COMPOSE_PROJECT_NAME, {}: the two share containers and data",
        other.display(),
        settings.project
    );
    let name = env_file::project_name(&scene.root);
    let remedy = format!("set COMPOSE_PROJECT_NAME={name} in .env of one of them");
    let finding = Finding::wrong("second-checkout", what, remedy);
    let is_of_shell = std::env::var_os("COMPOSE_PROJECT_NAME").is_some();
    if is_of_shell || scene.state.is_some() || name == settings.project {
        return Some(finding);
    }
    Some(finding.mended_by(move |project| {
        env_file::create_if_missing(&project.root)?;
        env_file::set(&project.root, &[("COMPOSE_PROJECT_NAME", &name)])?;
        Ok(format!(
            "this checkout is called {name} from now on; containers and data stay with {}",
            other.display()
        ))
    }))
}

fn broken_model(scene: &Scene, found: &Containers) -> Option<Finding> {
    // A Compose that is missing is told elsewhere.
    scene.parts().compose.as_ref().ok()?;
    let Err(Silence::Failed(said)) = &found.model else { return None };
    let what = format!("docker compose cannot read its files: {said}");
    Some(Finding::wrong("compose-file", what, "docker compose config says where"))
}

/// Containers of services that the compose files do not name any more.
fn orphans(found: &Containers) -> Option<Finding> {
    let model = found.model.as_ref().ok()?;
    let is_orphan = |container: &&&Container| !model.services.contains_key(&container.service);
    let ours = found.ours();
    let orphans: Vec<_> = ours.iter().filter(is_orphan).map(|it| it.name.clone()).collect();
    if orphans.is_empty() {
        return None;
    }
    let what = format!("no service of the compose files has made {}", some_of(&orphans));
    let remedy = format!("docker rm --force {}", orphans.join(" "));
    let finding = Finding::doubtful("orphan-containers", what, remedy);
    // One that runs may be in use.
    if ours.iter().filter(is_orphan).any(|container| container.state == "running") {
        return Some(finding);
    }
    Some(finding.mended_by(move |_| {
        for name in &orphans {
            docker(&["rm", name])?;
        }
        Ok(format!("removed {}; volumes stay", some_of(&orphans)))
    }))
}

/// Volumes hold data: they are named, and left alone.
fn volumes(found: &Containers) -> Option<Finding> {
    let model = found.model.as_ref().ok()?;
    let is_orphan = |volume: &&Volume| !model.volumes.contains_key(&volume.key);
    let names: Vec<_> =
        found.volumes.iter().filter(is_orphan).map(|volume| volume.name.clone()).collect();
    let what = format!("the compose files do not name the volume {}", some_of(&names));
    let remedy = format!("docker volume rm {} (with what is in it)", names.join(" "));
    (!names.is_empty()).then(|| Finding::doubtful("orphan-volumes", what, remedy))
}

/// Has Docker do something for a fix.
pub(super) fn docker(arguments: &[&str]) -> anyhow::Result<String> {
    match process::probe(Command::new("docker").args(arguments), FIX_PATIENCE) {
        Ok(said) => Ok(said),
        Err(Silence::Failed(said)) => bail!("{said}"),
        Err(_) => bail!("docker does not answer"),
    }
}
