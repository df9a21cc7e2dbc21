//! Chooses between Docker and this machine. Decides within three seconds even if Docker does not respond.

use std::time::{Duration, Instant};

use anyhow::{anyhow, bail};
use context::{
    engine_kind::{EngineChoice, EngineKind},
    settings::Settings,
};

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

/// Returns the engine to use and the reason, in one line.
///
/// # Errors
/// The required engine cannot be used, or no engine can be used. The error explains how to install one.
pub fn choose(
    settings: &Settings,
    flag: Option<EngineChoice>,
) -> anyhow::Result<(EngineKind, String)> {
    let origin = if flag.is_some() { "set by --engine" } else { "set by ENGINE" };
    match settings.forced(flag) {
        Some(EngineKind::Docker) => {
            let why = docker_parts::check(REQUIRED_TIMEOUT)
                .map_err(|reason| anyhow!("cannot use Docker: {reason}"))?;
            Ok((EngineKind::Docker, format!("{origin}; {why}")))
        }
        Some(EngineKind::Local) => {
            let why = postgres(settings)?;
            Ok((EngineKind::Local, format!("{origin}; {why}")))
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
                Err(reason) => match postgres(settings) {
                    Ok(why) => Ok((EngineKind::Local, format!("{reason}; {why}"))),
                    Err(error) => {
                        bail!(
                            "no engine can be used.\nDocker: {reason}.\n{INSTALL_DOCKER}\n\nLocal: {error}"
                        )
                    }
                },
            }
        }
    }
}

fn postgres(settings: &Settings) -> Result<String, local_postgres::Error> {
    let installation = find_postgres(settings)?;
    let (major, minor) = installation.version();
    Ok(format!("PostgreSQL {major}.{minor} is installed"))
}
