//! Checks that Docker and its plug-ins are installed, recent enough and on this machine.

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

/// The memory in bytes that a build in a container needs.
const MEMORY: u64 = 2 * 1024 * 1024 * 1024;

/// Checks the engine, its plug-ins, the Docker context and the base images.
pub(crate) fn check(context: &CheckContext) -> Vec<Diagnostic> {
    let need = context.need(EngineKind::Docker);
    if need == Need::Unused {
        return Vec::new();
    }
    let parts = context.parts();
    let mut diagnostics: Vec<_> = match &parts.engine {
        Err(error) => vec![unreachable(context, error)],
        Ok(version) => [
            outdated(version),
            remote(context),
            plug_in("compose", "Compose", "docker-compose-plugin", &parts.compose),
            plug_in("buildx", "Buildx", "docker-buildx-plugin", &parts.buildx),
            images(context),
        ]
        .into_iter()
        .flatten()
        .collect(),
    };
    // If the stack can also run on an installed PostgreSQL, these problems are only warnings.
    let settings = context.settings.as_ref();
    if need == Need::Either && settings.is_some_and(|found| postgres::find_postgres(found).is_ok())
    {
        for diagnostic in &mut diagnostics {
            diagnostic.severity = Severity::Warning;
        }
    }
    diagnostics
}

fn unreachable(context: &CheckContext, error: &ProbeError) -> Diagnostic {
    if let Some(diagnostic) = unreachable_endpoint(context) {
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
            "the Docker engine does not respond",
            start.replace(" start ", " restart "),
        ),
        ProbeError::Failed(stderr) if stderr.contains("permission denied") => Diagnostic::error(
            "docker-permission",
            "this user is not allowed to use the Docker engine",
            "run `sudo usermod -aG docker \"$USER\"` and log in again",
        ),
        ProbeError::Failed(stderr) => Diagnostic::error(
            "docker-stopped",
            format!("the Docker engine is not running: {stderr}"),
            start,
        ),
    }
}

/// Finds a Docker context or DOCKER_HOST that does not respond, while the default engine does.
fn unreachable_endpoint(context: &CheckContext) -> Option<Diagnostic> {
    let endpoint = endpoint(context)?;
    let mut default = Command::new("docker");
    default.env_remove("DOCKER_HOST").env_remove("DOCKER_CONTEXT");
    default.args(["--context", "default", "version", "--format", "{{.Server.Version}}"]);
    context.deadline.output(&mut default).ok()?;
    let what = format!(
        "docker connects to {}, which does not respond, instead of to this machine's engine",
        endpoint.address
    );
    let Some(variable) = endpoint.variable else {
        let diagnostic = Diagnostic::error("docker-context", what, "docker context use default");
        return Some(diagnostic.with_fix(move |_| {
            let mut change = Command::new("docker");
            process::probe(change.args(["context", "use", "default"]), Duration::from_secs(5))
                .map_err(|error| anyhow::anyhow!("{error:?}"))?;
            Ok(format!("changed the Docker context from `{}` to `default`", endpoint.context))
        }));
    };
    Some(Diagnostic::error("docker-context", what, format!("unset {variable}")))
}

/// The address of a Docker engine that is not the default.
struct Endpoint {
    context: String,
    address: String,
    /// The environment variable that sets the address.
    variable: Option<&'static str>,
}

fn endpoint(context: &CheckContext) -> Option<Endpoint> {
    let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let variable = ["DOCKER_HOST", "DOCKER_CONTEXT"].into_iter().find(is_set);
    let format = "{{.Name}} {{.Endpoints.docker.Host}}";
    let output = context.deadline.docker(&["context", "inspect", "--format", format]).ok()?;
    let (context, address) = output.split_once(' ')?;
    let (context, address) = (context.to_owned(), address.to_owned());
    (variable.is_some() || context != "default").then_some(Endpoint { context, address, variable })
}

/// Finds an engine on another machine, which cannot mount this checkout.
fn remote(context: &CheckContext) -> Option<Diagnostic> {
    let endpoint = endpoint(context)?;
    let on_this_machine = ["unix://", "npipe://", "tcp://127.", "tcp://localhost", "fd://"];
    if on_this_machine.iter().any(|start| endpoint.address.starts_with(start)) {
        return None;
    }
    let remedy = endpoint
        .variable
        .map_or_else(|| "docker context use default".to_owned(), |name| format!("unset {name}"));
    let what = format!(
        "docker connects to {}, but an engine on another machine cannot mount this checkout",
        endpoint.address
    );
    Some(Diagnostic::error("docker-context", what, remedy))
}

fn outdated(version: &str) -> Option<Diagnostic> {
    let what = at_least("the Docker engine", version, ENGINE_AT_LEAST).err()?;
    Some(Diagnostic::error("docker-old", what, INSTALL_DOCKER))
}

/// Finds a plug-in that is missing or too old.
fn plug_in(
    check: &'static str,
    name: &str,
    package: &str,
    installed: &Result<String, ProbeError>,
) -> Option<Diagnostic> {
    let what = match installed {
        Ok(version) if check == "compose" => at_least(name, version, COMPOSE_AT_LEAST).err()?,
        Ok(_) => return None,
        Err(ProbeError::TimedOut) => format!("Docker's {name} plug-in does not respond"),
        Err(_) => format!("Docker's {name} plug-in is missing"),
    };
    let remedy = if cfg!(target_os = "linux") {
        format!("sudo apt-get install {package} (or docker-{check}, if you installed docker.io)")
    } else {
        "install the newest Docker Desktop".to_owned()
    };
    Some(Diagnostic::error(check, what, remedy))
}

fn images(context: &CheckContext) -> Option<Diagnostic> {
    // A stack is running, so all images exist.
    if context.state.is_some() {
        return None;
    }
    let what = images::available(context.settings.as_ref()?, context.deadline.left()).err()?;
    let remedy = "run cargo xtask base-images, or `docker login` if the registry requires a login";
    Some(Diagnostic::error("base-images", what, remedy))
}

/// Checks the memory and the disk of the Docker engine.
pub(crate) fn daemon(context: &CheckContext) -> Vec<Diagnostic> {
    if context.need(EngineKind::Docker) == Need::Unused {
        return Vec::new();
    }
    let output = context.deadline.docker(&["info", "--format", "{{.MemTotal}} {{.DockerRootDir}}"]);
    let Ok(output) = output else { return Vec::new() };
    let Some((memory, folder)) = output.split_once(' ') else { return Vec::new() };
    let memory = memory.parse().ok().and_then(low_memory);
    // Docker Desktop keeps this folder in a virtual machine, so it may not exist on this machine.
    let folder = Some(Path::new(folder)).filter(|folder| folder.is_dir());
    let disk = folder.and_then(|folder| machine::disk(context, folder));
    [memory, disk].into_iter().flatten().collect()
}

fn low_memory(bytes: u64) -> Option<Diagnostic> {
    let what = format!("Docker has {} MiB of memory, but compiling needs 2 GiB", bytes / 1_048_576);
    let remedy = "give Docker more memory in Docker Desktop under Settings, Resources";
    (bytes > 0 && bytes < MEMORY).then(|| Diagnostic::warning("docker-memory", what, remedy))
}
