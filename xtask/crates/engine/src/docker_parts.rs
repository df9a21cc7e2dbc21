//! Checks the versions of the Docker engine and its plug-ins.

use std::{process::Command, thread, time::Duration};

use context::process::{self, ProbeError};

/// The minimum version of the Docker engine.
pub const ENGINE_AT_LEAST: (u32, u32) = (24, 0);
/// The minimum version of Compose.
pub const COMPOSE_AT_LEAST: (u32, u32) = (2, 20);

/// Instructions to install Docker on this system.
pub const INSTALL_DOCKER: &str = if cfg!(target_os = "linux") {
    "Install Docker Engine with its Compose and Buildx plug-ins from your distribution, start it, and \
    add yourself to the group docker."
} else {
    "Install Docker Desktop and start it."
};

/// The version, or the error, of the Docker engine and each plug-in.
pub struct DockerParts {
    /// The engine.
    pub engine: Result<String, ProbeError>,
    /// The Compose plug-in.
    pub compose: Result<String, ProbeError>,
    /// The Buildx plug-in.
    pub buildx: Result<String, ProbeError>,
}

impl DockerParts {
    /// Queries all versions concurrently, with a timeout.
    pub fn ask(timeout: Duration) -> Self {
        let ask = |arguments: &'static [&str]| {
            thread::spawn(move || process::probe(Command::new("docker").args(arguments), timeout))
        };
        let engine = ask(&["version", "--format", "{{.Server.Version}}"]);
        let compose = ask(&["compose", "version", "--short"]);
        let buildx = ask(&["buildx", "version"]);
        let result = |query: thread::JoinHandle<_>| query.join().expect("a query does not panic");
        Self { engine: result(engine), compose: result(compose), buildx: result(buildx) }
    }
}

/// Returns a description of Docker, or the reason why Docker cannot be used.
pub(crate) fn check(timeout: Duration) -> Result<String, String> {
    let parts = DockerParts::ask(timeout);
    let version = |result: Result<String, ProbeError>, what: &str| {
        result.map_err(|error| match error {
            ProbeError::NotInstalled => "docker is not installed".to_owned(),
            ProbeError::TimedOut => format!("{what} does not respond"),
            ProbeError::Failed(message) => format!("{what} cannot be used ({message})"),
        })
    };
    let engine = version(parts.engine, "the Docker engine")?;
    let compose = version(parts.compose, "the Compose plug-in")?;
    version(parts.buildx, "the Buildx plug-in")?;
    at_least("the Docker engine", &engine, ENGINE_AT_LEAST)?;
    at_least("Compose", &compose, COMPOSE_AT_LEAST)?;
    Ok(format!("engine {engine} and Compose {compose} are running"))
}

/// Returns an error message about `what` if `version` is older than `minimum`, or unknown.
pub fn at_least(what: &str, version: &str, minimum: (u32, u32)) -> Result<(), String> {
    let mut parts = version.trim_start_matches('v').split(['.', '-', '+']).map(str::parse);
    let (Some(Ok(major)), Some(Ok(minor))) = (parts.next(), parts.next()) else {
        return Err(format!("{what} has an unknown version ({version})"));
    };
    if (major, minor) < minimum {
        let (major, minor) = minimum;
        return Err(format!("{what} is {version}, but must be {major}.{minor} or newer"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::at_least;

    #[test]
    fn at_least_compares_versions_as_numbers() {
        for (version, is_enough) in [
            ("2.26.1-4", true),
            ("v2.20.0", true),
            ("2.9.9", false),
            ("10.0.1+dfsg1", true),
            ("dev", false),
        ] {
            assert_eq!(at_least("it", version, (2, 20)).is_ok(), is_enough, "{version}");
        }
    }
}
