//! Chooses between Docker and this machine, within three seconds whatever the state of Docker.

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

/// The choice between both is made within this; Docker's parts may take the first two seconds of it.
const DECIDED_WITHIN: Duration = Duration::from_millis(2900);
const PARTS_WITHIN: Duration = Duration::from_secs(2);
/// Where Docker was asked for there is no other choice, and a busy machine may take its time.
const TIMEOUT: Duration = Duration::from_secs(15);
/// The engine to use and why, in one line.
///
/// # Errors
/// The one that was asked for cannot be used, or neither can; with what to do about it.
pub fn choose(
    settings: &Settings,
    flag: Option<EngineChoice>,
) -> anyhow::Result<(EngineKind, String)> {
    let asked = if flag.is_some() { "--engine asks for it" } else { "ENGINE asks for it" };
    match settings.forced(flag) {
        Some(EngineKind::Docker) => {
            let why = docker_parts::check(TIMEOUT)
                .map_err(|reason| anyhow!("docker cannot be used: {reason}"))?;
            Ok((EngineKind::Docker, format!("{asked}; {why}")))
        }
        Some(EngineKind::Local) => {
            let why = postgres(settings)?;
            Ok((EngineKind::Local, format!("{asked}; {why}")))
        }
        None => {
            let started = Instant::now();
            let docker = docker_parts::check(PARTS_WITHIN).and_then(|why| {
                let left = DECIDED_WITHIN.saturating_sub(started.elapsed());
                let images = images::available(settings, left)?;
                Ok(format!("{why}, {images}"))
            });
            match docker {
                Ok(why) => Ok((EngineKind::Docker, why)),
                Err(reason) => match postgres(settings) {
                    Ok(why) => Ok((EngineKind::Local, format!("{reason}; {why}"))),
                    Err(error) => {
                        bail!(
                            "no engine to run on.\nDocker: {reason}.\n{INSTALL_DOCKER}\n\nLocal: {error}"
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
    Ok(format!("PostgreSQL {major}.{minor} is installed here"))
}
