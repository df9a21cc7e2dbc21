//! Docker or local: decided within three seconds, whatever state Docker is in.

use std::{
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{anyhow, bail};
use local_postgres::{Cluster, Installation};

use super::{Kind, images};
use crate::{
    process::{self, Silence},
    settings::{Choice, Settings},
};

/// The choice between both is made within this; Docker's parts may take the first two seconds of it.
const DECIDED_WITHIN: Duration = Duration::from_millis(2900);
const PARTS_WITHIN: Duration = Duration::from_secs(2);
/// Where Docker was asked for there is no other choice, and a busy machine may take its time.
const PATIENCE: Duration = Duration::from_secs(15);
pub(crate) const ENGINE_AT_LEAST: (u32, u32) = (24, 0);
pub(crate) const COMPOSE_AT_LEAST: (u32, u32) = (2, 20);

/// What the parts of Docker say of themselves: versions, or why there is none.
pub(crate) struct Parts {
    pub(crate) engine: Result<String, Silence>,
    pub(crate) compose: Result<String, Silence>,
    pub(crate) buildx: Result<String, Silence>,
}

impl Parts {
    /// Asks all of them at once: together they take no longer than `patience`.
    pub(crate) fn ask(patience: Duration) -> Self {
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

/// The engine to use and why, in one line.
///
/// # Errors
/// The one that was asked for cannot be used, or neither can; with what to do about it.
pub(crate) fn choose(settings: &Settings, flag: Option<Choice>) -> anyhow::Result<(Kind, String)> {
    let asked = if flag.is_some() { "--engine asks for it" } else { "ENGINE asks for it" };
    match settings.forced(flag) {
        Some(Kind::Docker) => {
            let why =
                answers(PATIENCE).map_err(|reason| anyhow!("docker cannot be used: {reason}"))?;
            Ok((Kind::Docker, format!("{asked}; {why}")))
        }
        Some(Kind::Local) => {
            let why = postgres(settings)?;
            Ok((Kind::Local, format!("{asked}; {why}")))
        }
        None => {
            let started = Instant::now();
            let docker = answers(PARTS_WITHIN).and_then(|why| {
                let left = DECIDED_WITHIN.saturating_sub(started.elapsed());
                let images = images::available(settings, left)?;
                Ok(format!("{why}, {images}"))
            });
            match docker {
                Ok(why) => Ok((Kind::Docker, why)),
                Err(reason) => match postgres(settings) {
                    Ok(why) => Ok((Kind::Local, format!("{reason}; {why}"))),
                    Err(error) => {
                        bail!("no engine to run on.\nDocker: {reason}.\n{HOW}\n\nLocal: {error}")
                    }
                },
            }
        }
    }
}

pub(crate) const HOW: &str = if cfg!(target_os = "linux") {
    "Install Docker Engine with its Compose and Buildx plug-ins from your distribution, start it, and \
    add yourself to the group docker."
} else {
    "Install Docker Desktop and start it."
};

/// What Docker says of itself if engine, Compose and Buildx are there and new enough.
fn answers(patience: Duration) -> Result<String, String> {
    let parts = Parts::ask(patience);
    let answer = |asked: Result<String, Silence>, what: &str| {
        asked.map_err(|silence| match silence {
            Silence::NotInstalled => "docker is not installed".to_owned(),
            Silence::TimedOut => format!("{what} does not answer"),
            Silence::Failed(said) => format!("{what} cannot be used ({said})"),
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
pub(crate) fn at_least(what: &str, version: &str, minimum: (u32, u32)) -> Result<(), String> {
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

fn postgres(settings: &Settings) -> Result<String, local_postgres::Error> {
    let installation = find_postgres(settings)?;
    let (major, minor) = installation.version();
    Ok(format!("PostgreSQL {major}.{minor} is installed here"))
}

/// The PostgreSQL of this machine, by PG_BIN of shell or `.env`, PATH and the usual places.
pub(crate) fn find_postgres(settings: &Settings) -> Result<Installation, local_postgres::Error> {
    Installation::find(&|name| match name {
        "PG_BIN" => settings.variable(name).map(Into::into),
        _ => std::env::var_os(name),
    })
}

/// The same, but for the major version, unless PG_BIN decides.
pub(crate) fn find_postgres_for(
    settings: &Settings,
    major: Option<u32>,
) -> Result<Installation, local_postgres::Error> {
    let found = find_postgres(settings)?;
    let wanted = major.filter(|major| *major != found.version().0);
    let (Some(major), None) = (wanted, settings.variable("PG_BIN")) else { return Ok(found) };
    let mut all = Installation::all(&|name| std::env::var_os(name)).into_iter();
    Ok(all.find(|other| other.version().0 == major).unwrap_or(found))
}

/// The one that made the cluster in `folder`, if it is there: a newer one could not read it.
pub(crate) fn find_postgres_of(
    settings: &Settings,
    folder: &Path,
) -> Result<Installation, local_postgres::Error> {
    let found = find_postgres(settings)?;
    let made_by = Cluster::open(&found, folder)?.major()?;
    find_postgres_for(settings, made_by)
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
