//! Docker itself: whether engine and plug-ins are there, new enough, and on this machine.

use std::{path::Path, process::Command, time::Duration};

use super::{Finding, Scene, Severity, machine, scene::Need};
use crate::{
    engine::{
        Kind,
        choose::{self, COMPOSE_AT_LEAST, ENGINE_AT_LEAST, HOW, at_least},
        images,
    },
    process::{self, Silence},
};

/// Below this, a build in a container is likely to be killed.
const MEMORY: u64 = 2 * 1024 * 1024 * 1024;

/// Engine, plug-ins, context, images.
pub(super) fn look(scene: &Scene) -> Vec<Finding> {
    let need = scene.need(Kind::Docker);
    if need == Need::Not {
        return Vec::new();
    }
    let parts = scene.parts();
    let mut findings: Vec<_> = match &parts.engine {
        Err(silence) => vec![unreachable(scene, silence)],
        Ok(version) => [
            old(version),
            remote(scene),
            plug_in("compose", "Compose", "docker-compose-plugin", &parts.compose),
            plug_in("buildx", "Buildx", "docker-buildx-plugin", &parts.buildx),
            images(scene),
        ]
        .into_iter()
        .flatten()
        .collect(),
    };
    // A PostgreSQL of this machine does as well.
    let settings = scene.settings.as_ref();
    if need == Need::May && settings.is_some_and(|found| choose::find_postgres(found).is_ok()) {
        for finding in &mut findings {
            finding.severity = Severity::Doubtful;
        }
    }
    findings
}

fn unreachable(scene: &Scene, silence: &Silence) -> Finding {
    if let Some(finding) = elsewhere(scene) {
        return finding;
    }
    let start = if cfg!(target_os = "linux") {
        "sudo systemctl start docker"
    } else {
        "start Docker Desktop"
    };
    match silence {
        Silence::NotInstalled => Finding::wrong("docker", "docker is not installed", HOW),
        Silence::TimedOut => Finding::wrong(
            "docker-silent",
            "the Docker engine does not answer",
            start.replace(" start ", " restart "),
        ),
        Silence::Failed(said) if said.contains("permission denied") => Finding::wrong(
            "docker-permission",
            "this user may not talk to the Docker engine",
            "sudo usermod -aG docker \"$USER\", and log in again",
        ),
        Silence::Failed(said) => Finding::wrong(
            "docker-stopped",
            format!("the Docker engine does not run: {said}"),
            start,
        ),
    }
}

/// The dead engine of a context or of DOCKER_HOST, while this machine's own one answers.
fn elsewhere(scene: &Scene) -> Option<Finding> {
    let place = place(scene)?;
    let mut own = Command::new("docker");
    own.env_remove("DOCKER_HOST").env_remove("DOCKER_CONTEXT");
    scene
        .ask(own.args(["--context", "default", "version", "--format", "{{.Server.Version}}"]))
        .ok()?;
    let what = format!(
        "docker talks to {}, where nothing answers, and not to this machine's engine",
        place.address
    );
    let Some(variable) = place.variable else {
        let finding = Finding::wrong("docker-context", what, "docker context use default");
        return Some(finding.mended_by(move |_| {
            let mut change = Command::new("docker");
            process::probe(change.args(["context", "use", "default"]), Duration::from_secs(5))
                .map_err(|silence| anyhow::anyhow!("{silence:?}"))?;
            Ok(format!("the context is `default` again, no more `{}`", place.context))
        }));
    };
    Some(Finding::wrong("docker-context", what, format!("unset {variable}")))
}

/// Where docker looks for its engine, if not at the default place.
struct Place {
    context: String,
    address: String,
    /// The variable that says so.
    variable: Option<&'static str>,
}

fn place(scene: &Scene) -> Option<Place> {
    let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let variable = ["DOCKER_HOST", "DOCKER_CONTEXT"].into_iter().find(is_set);
    let format = "{{.Name}} {{.Endpoints.docker.Host}}";
    let answer = scene.docker(&["context", "inspect", "--format", format]).ok()?;
    let (context, address) = answer.split_once(' ')?;
    let (context, address) = (context.to_owned(), address.to_owned());
    (variable.is_some() || context != "default").then_some(Place { context, address, variable })
}

/// An engine on another machine, which cannot see this checkout.
fn remote(scene: &Scene) -> Option<Finding> {
    let place = place(scene)?;
    let on_this_machine = ["unix://", "npipe://", "tcp://127.", "tcp://localhost", "fd://"];
    if on_this_machine.iter().any(|start| place.address.starts_with(start)) {
        return None;
    }
    let remedy = place
        .variable
        .map_or_else(|| "docker context use default".to_owned(), |name| format!("unset {name}"));
    let what = format!(
        "docker talks to {}: an engine on another machine cannot mount this checkout",
        place.address
    );
    Some(Finding::wrong("docker-context", what, remedy))
}

fn old(version: &str) -> Option<Finding> {
    let what = at_least("the Docker engine", version, ENGINE_AT_LEAST).err()?;
    Some(Finding::wrong("docker-old", what, HOW))
}

/// A plug-in that is not there or too old.
fn plug_in(
    check: &'static str,
    name: &str,
    package: &str,
    answer: &Result<String, Silence>,
) -> Option<Finding> {
    let what = match answer {
        Ok(version) if check == "compose" => at_least(name, version, COMPOSE_AT_LEAST).err()?,
        Ok(_) => return None,
        Err(Silence::TimedOut) => format!("Docker's {name} plug-in does not answer"),
        Err(_) => format!("Docker's {name} plug-in is missing"),
    };
    let remedy = if cfg!(target_os = "linux") {
        format!("sudo apt-get install {package} (docker.io's is called {check} or docker-{check})")
    } else {
        "install the newest Docker Desktop".to_owned()
    };
    Some(Finding::wrong(check, what, remedy))
}

fn images(scene: &Scene) -> Option<Finding> {
    // What is up has its images.
    if scene.state.is_some() {
        return None;
    }
    let what = images::available(scene.settings.as_ref()?, scene.left()).err()?;
    let remedy = "cargo xtask base-images (or `docker login`, if the registry wants that)";
    Some(Finding::wrong("base-images", what, remedy))
}

/// What the engine says of the place it runs in: memory and disk.
pub(super) fn daemon(scene: &Scene) -> Vec<Finding> {
    if scene.need(Kind::Docker) == Need::Not {
        return Vec::new();
    }
    let answer = scene.docker(&["info", "--format", "{{.MemTotal}} {{.DockerRootDir}}"]);
    let Ok(answer) = answer else { return Vec::new() };
    let Some((memory, folder)) = answer.split_once(' ') else { return Vec::new() };
    let memory = memory.parse().ok().and_then(little_memory);
    // In Docker Desktop's virtual machine it is no folder of ours.
    let folder = Some(Path::new(folder)).filter(|folder| folder.is_dir());
    let disk = folder.and_then(|folder| machine::disk(scene, folder));
    [memory, disk].into_iter().flatten().collect()
}

fn little_memory(bytes: u64) -> Option<Finding> {
    let what = format!("Docker has {} MiB of memory; compiling takes 2 GiB", bytes / 1_048_576);
    let remedy = "give Docker more memory: Docker Desktop, Settings, Resources";
    (bytes > 0 && bytes < MEMORY).then(|| Finding::doubtful("docker-memory", what, remedy))
}
