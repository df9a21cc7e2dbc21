//! Chooses between Docker and this machine. Decides within three seconds even if Docker does not respond.

use std::time::{Duration, Instant};

use anyhow::{anyhow, bail};
use context::{
    engine_kind::{EngineChoice, EngineKind},
    report,
    settings::Settings,
};
use local_postgres::{Error, Installation};

use crate::{
    docker_parts::{self, INSTALL_DOCKER},
    images,
    postgres::find_postgres,
};

/// The timeout of the whole choice, which includes [`PARTS_TIMEOUT`].
const CHOICE_TIMEOUT: Duration = Duration::from_millis(2900);
const PARTS_TIMEOUT: Duration = Duration::from_secs(2);
/// The timeout if Docker is required. This timeout is longer, because there is no alternative.
const REQUIRED_TIMEOUT: Duration = Duration::from_secs(15);

/// Handles a missing PostgreSQL: obtains one, or returns the error.
pub type Missing<'a> = &'a dyn Fn(Error) -> anyhow::Result<Installation>;

/// Returns the engine to use and the reason, in one line. `missing` is called if PostgreSQL is needed but not found.
///
/// # Errors
/// The required engine cannot be used, or no engine can be used. The error explains how to install one.
pub fn choose(
    settings: &Settings,
    flag: Option<EngineChoice>,
    missing: Missing<'_>,
) -> anyhow::Result<(EngineKind, String)> {
    let origin = if flag.is_some() { "set by --engine" } else { "set by ENGINE" };
    match settings.forced(flag) {
        Some(EngineKind::Docker) => {
            let why = docker_parts::check(REQUIRED_TIMEOUT)
                .map_err(|reason| anyhow!("cannot use Docker: {reason}"))?;
            Ok((EngineKind::Docker, format!("{origin}; {why}")))
        }
        Some(EngineKind::Local) => {
            let why = describe(&postgres(settings, missing)?);
            Ok((EngineKind::Local, format!("{origin}; {why}")))
        }
        Some(EngineKind::External) => {
            let database = settings.external_database()?;
            Ok((EngineKind::External, format!("{origin}; the database is on {}", database.hosts)))
        }
        None => {
            let started = Instant::now();
            let docker = docker_parts::check(PARTS_TIMEOUT).and_then(|why| {
                let left = CHOICE_TIMEOUT.saturating_sub(started.elapsed());
                let images = images::available(settings, left)?;
                Ok(format!("{why}, {images}"))
            });
            match docker {
                Ok(why) => Ok((EngineKind::Docker, why)),
                Err(reason) => {
                    let announced = |error| {
                        report::progress(&format!("Docker: {reason}"));
                        missing(error)
                    };
                    match postgres(settings, &announced) {
                        Ok(found) => {
                            Ok((EngineKind::Local, format!("{reason}; {}", describe(&found))))
                        }
                        Err(error) => bail!(
                            "no engine can be used.\nDocker: {reason}.\n{INSTALL_DOCKER}\n\nLocal: {error:#}"
                        ),
                    }
                }
            }
        }
    }
}

/// Returns the PostgreSQL of this machine, or the result of `missing` if there is none.
pub fn postgres(settings: &Settings, missing: Missing<'_>) -> anyhow::Result<Installation> {
    find_postgres(settings).or_else(missing)
}

fn describe(installation: &Installation) -> String {
    let (major, minor) = installation.version();
    format!("PostgreSQL {major}.{minor} is installed")
}
