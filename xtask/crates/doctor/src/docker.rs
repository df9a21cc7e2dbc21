//! Checks of Docker: whether engine and plug-ins are there, new enough, and on this machine.

use std::{path::Path, process::Command, time::Duration};

use context::{
    engine_kind::EngineKind,
    process::{self, ProbeError},
};
use engine::{
    docker_parts::{COMPOSE_AT_LEAST, ENGINE_AT_LEAST, INSTALL_DOCKER, at_least},
    images, postgres,
};

use crate::{
    check_context::{CheckContext, Need},
    diagnostic::{Diagnostic, Severity},
    machine,
};

/// Below this, a build in a container is likely to be killed.
const MEMORY: u64 = 2 * 1024 * 1024 * 1024;

/// Engine, plug-ins, context, images.
pub(crate) fn check(context: &CheckContext) -> Vec<Diagnostic> {
    let need = context.need(EngineKind::Docker);
    if need == Need::Not {
        return Vec::new();
    }
    let parts = context.parts();
    let mut diagnostics: Vec<_> = match &parts.engine {
        Err(error) => vec![unreachable(context, error)],
        Ok(version) => [
            old(version),
            remote(context),
            plug_in("compose", "Compose", "docker-compose-plugin", &parts.compose),
            plug_in("buildx", "Buildx", "docker-buildx-plugin", &parts.buildx),
            images(context),
        ]
        .into_iter()
        .flatten()
        .collect(),
    };
    // A PostgreSQL of this machine does as well.
    let settings = context.settings.as_ref();
    if need == Need::May && settings.is_some_and(|found| postgres::find_postgres(found).is_ok()) {
        for diagnostic in &mut diagnostics {
            diagnostic.severity = Severity::Warning;
        }
    }
    diagnostics
}

fn unreachable(context: &CheckContext, error: &ProbeError) -> Diagnostic {
    if let Some(diagnostic) = elsewhere(context) {
        return diagnostic;
    }
    let start = if cfg!(target_os = "linux") {
        "sudo systemctl start docker"
    } else {
        "start Docker Desktop"
    };
    match error {
        ProbeError::NotInstalled => {
            Diagnostic::error("docker", "docker is not installed", INSTALL_DOCKER)
        }
        ProbeError::TimedOut => Diagnostic::error(
            "docker-silent",
            "the Docker engine does not answer",
            start.replace(" start ", " restart "),
        ),
        ProbeError::Failed(said) if said.contains("permission denied") => Diagnostic::error(
            "docker-permission",
            "this user may not talk to the Docker engine",
            "sudo usermod -aG docker \"$USER\", and log in again",
        ),
        ProbeError::Failed(said) => Diagnostic::error(
            "docker-stopped",
            format!("the Docker engine does not run: {said}"),
            start,
        ),
    }
}

/// The dead engine of a context or of DOCKER_HOST, while this machine's own one answers.
fn elsewhere(context: &CheckContext) -> Option<Diagnostic> {
    let place = place(context)?;
    let mut own = Command::new("docker");
    own.env_remove("DOCKER_HOST").env_remove("DOCKER_CONTEXT");
    context
        .deadline
        .output(own.args(["--context", "default", "version", "--format", "{{.Server.Version}}"]))
        .ok()?;
    let what = format!(
        "docker talks to {}, where nothing answers, and not to this machine's engine",
        place.address
    );
    let Some(variable) = place.variable else {
        let diagnostic = Diagnostic::error("docker-context", what, "docker context use default");
        return Some(diagnostic.with_fix(move |_| {
            let mut change = Command::new("docker");
            process::probe(change.args(["context", "use", "default"]), Duration::from_secs(5))
                .map_err(|error| anyhow::anyhow!("{error:?}"))?;
            Ok(format!("the context is `default` again, no more `{}`", place.context))
        }));
    };
    Some(Diagnostic::error("docker-context", what, format!("unset {variable}")))
}

/// Where docker looks for its engine, if not at the default place.
struct Place {
    context: String,
    address: String,
    /// The variable that says so.
    variable: Option<&'static str>,
}

fn place(context: &CheckContext) -> Option<Place> {
    let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let variable = ["DOCKER_HOST", "DOCKER_CONTEXT"].into_iter().find(is_set);
    let format = "{{.Name}} {{.Endpoints.docker.Host}}";
    let answer = context.deadline.docker(&["context", "inspect", "--format", format]).ok()?;
    let (context, address) = answer.split_once(' ')?;
    let (context, address) = (context.to_owned(), address.to_owned());
    (variable.is_some() || context != "default").then_some(Place { context, address, variable })
}

/// An engine on another machine, which cannot see this checkout.
fn remote(context: &CheckContext) -> Option<Diagnostic> {
    let place = place(context)?;
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
    Some(Diagnostic::error("docker-context", what, remedy))
}

fn old(version: &str) -> Option<Diagnostic> {
    let what = at_least("the Docker engine", version, ENGINE_AT_LEAST).err()?;
    Some(Diagnostic::error("docker-old", what, INSTALL_DOCKER))
}

/// A plug-in that is not there or too old.
fn plug_in(
    check: &'static str,
    name: &str,
    package: &str,
    answer: &Result<String, ProbeError>,
) -> Option<Diagnostic> {
    let what = match answer {
        Ok(version) if check == "compose" => at_least(name, version, COMPOSE_AT_LEAST).err()?,
        Ok(_) => return None,
        Err(ProbeError::TimedOut) => format!("Docker's {name} plug-in does not answer"),
        Err(_) => format!("Docker's {name} plug-in is missing"),
    };
    let remedy = if cfg!(target_os = "linux") {
        format!("sudo apt-get install {package} (docker.io's is called {check} or docker-{check})")
    } else {
        "install the newest Docker Desktop".to_owned()
    };
    Some(Diagnostic::error(check, what, remedy))
}

fn images(context: &CheckContext) -> Option<Diagnostic> {
    // What is up has its images.
    if context.state.is_some() {
        return None;
    }
    let what = images::available(context.settings.as_ref()?, context.deadline.left()).err()?;
    let remedy = "cargo xtask base-images (or `docker login`, if the registry wants that)";
    Some(Diagnostic::error("base-images", what, remedy))
}

/// What the engine says of the place it runs in: memory and disk.
pub(crate) fn daemon(context: &CheckContext) -> Vec<Diagnostic> {
    if context.need(EngineKind::Docker) == Need::Not {
        return Vec::new();
    }
    let answer = context.deadline.docker(&["info", "--format", "{{.MemTotal}} {{.DockerRootDir}}"]);
    let Ok(answer) = answer else { return Vec::new() };
    let Some((memory, folder)) = answer.split_once(' ') else { return Vec::new() };
    let memory = memory.parse().ok().and_then(little_memory);
    // In Docker Desktop's virtual machine it is no folder of ours.
    let folder = Some(Path::new(folder)).filter(|folder| folder.is_dir());
    let disk = folder.and_then(|folder| machine::disk(context, folder));
    [memory, disk].into_iter().flatten().collect()
}

fn little_memory(bytes: u64) -> Option<Diagnostic> {
    let what = format!("Docker has {} MiB of memory; compiling takes 2 GiB", bytes / 1_048_576);
    let remedy = "give Docker more memory: Docker Desktop, Settings, Resources";
    (bytes > 0 && bytes < MEMORY).then(|| Diagnostic::warning("docker-memory", what, remedy))
}
