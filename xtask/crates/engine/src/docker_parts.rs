//! The parts of Docker: which versions are there, and whether they are new enough.

use std::{process::Command, thread, time::Duration};

use context::process::{self, ProbeError};

/// The oldest Docker engine that works.
pub const ENGINE_AT_LEAST: (u32, u32) = (24, 0);
/// The oldest Compose that works.
pub const COMPOSE_AT_LEAST: (u32, u32) = (2, 20);

/// How to install Docker on this system.
pub const INSTALL_DOCKER: &str = if cfg!(target_os = "linux") {
    "Install Docker Engine with its Compose and Buildx plug-ins from your distribution, start it, and \
    add yourself to the group docker."
} else {
    "Install Docker Desktop and start it."
};

/// The versions of the parts of Docker, or why a part does not work.
pub struct DockerParts {
    /// The engine.
    pub engine: Result<String, ProbeError>,
    /// The Compose plug-in.
    pub compose: Result<String, ProbeError>,
    /// The Buildx plug-in.
    pub buildx: Result<String, ProbeError>,
}

impl DockerParts {
    /// Asks all of them at once: together they take no longer than `patience`.
    pub fn ask(patience: Duration) -> Self {
        let ask = |arguments: &'static [&str]| {
            thread::spawn(move || process::probe(Command::new("docker").args(arguments), patience))
        };
        let engine = ask(&["version", "--format", "{{.Server.Version}}"]);
        let compose = ask(&["compose", "version", "--short"]);
        let buildx = ask(&["buildx", "version"]);
        let answer = |asked: thread::JoinHandle<_>| asked.join().expect("asking does not panic");
        Self { engine: answer(engine), compose: answer(compose), buildx: answer(buildx) }
    }
}

/// What Docker says of itself if engine, Compose and Buildx are there and new enough.
pub(crate) fn check(patience: Duration) -> Result<String, String> {
    let parts = DockerParts::ask(patience);
    let answer = |asked: Result<String, ProbeError>, what: &str| {
        asked.map_err(|error| match error {
            ProbeError::NotInstalled => "docker is not installed".to_owned(),
            ProbeError::TimedOut => format!("{what} does not answer"),
            ProbeError::Failed(said) => format!("{what} cannot be used ({said})"),
        })
    };
    let engine = answer(parts.engine, "the Docker engine")?;
    let compose = answer(parts.compose, "the Compose plug-in")?;
    answer(parts.buildx, "the Buildx plug-in")?;
    at_least("the Docker engine", &engine, ENGINE_AT_LEAST)?;
    at_least("Compose", &compose, COMPOSE_AT_LEAST)?;
    Ok(format!("engine {engine} and Compose {compose} answer"))
}

/// Whether `version` is `minimum` or newer.
pub fn at_least(what: &str, version: &str, minimum: (u32, u32)) -> Result<(), String> {
    let mut parts = version.trim_start_matches('v').split(['.', '-', '+']).map(str::parse);
    let (Some(Ok(major)), Some(Ok(minor))) = (parts.next(), parts.next()) else {
        return Err(format!("{what} has a version that cannot be read ({version})"));
    };
    if (major, minor) < minimum {
        let (major, minor) = minimum;
        return Err(format!("{what} is {version}, and must be {major}.{minor} or newer"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::at_least;

    #[test]
    fn versions_are_compared_as_numbers() {
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
