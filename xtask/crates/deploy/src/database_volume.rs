//! Checks that a deployment keeps the data of the running database.

use std::process::Command;

use anyhow::{Context, ensure};

use crate::{image::Images, server::Server};
use context::process;

/// Prints the image of a container, and its volume with the data.
const LOCATION: &str = r#"{{.Config.Image}}
{{range .Mounts}}{{if eq .Destination "/var/lib/postgresql"}}{{.Name}}{{end}}{{end}}"#;

/// The running or stopped PostgreSQL of a deployed stack.
pub struct Current {
    /// The id of the container.
    pub container: String,
    /// The name of its image.
    pub image: String,
    /// The volume with the data.
    pub volume: String,
}

/// Returns the PostgreSQL of the stack, or `None` if it was never started or was removed.
pub fn current(server: &Server) -> anyhow::Result<Option<Current>> {
    let containers = server.containers("postgres", &["running", "restarting", "exited"])?;
    let Some(container) = containers.into_iter().next() else { return Ok(None) };
    let inspect = ["inspect", "--format", LOCATION, &container];
    let location = process::output(&mut server.docker(inspect))?;
    let (image, volume) =
        location.split_once('\n').context("cannot read the volume of PostgreSQL")?;
    Ok(Some(Current { image: image.to_owned(), volume: volume.to_owned(), container }))
}

/// Returns the volume that the settings select.
pub fn selected(server: &Server) -> String {
    let default = || format!("{}_postgres", server.name());
    server.settings.variable("POSTGRES_VOLUME").unwrap_or_else(default)
}

/// Checks that the settings select the volume and the major version of the database on the server. With another volume,
/// PostgreSQL would start without the data.
///
/// # Errors
/// The settings select another volume or another major version.
pub fn check(server: &Server, images: &Images) -> anyhow::Result<()> {
    let Some(Current { image, volume, .. }) = current(server)? else { return Ok(()) };
    let (place, selected) = (server.place(), selected(server));
    ensure!(
        selected == volume,
        "the data on {place} is in the volume {volume}, but .env selects {selected}. Run `cargo xtask db upgrade \
         --production` to move the data to the PostgreSQL of .env, or set POSTGRES_VOLUME={volume}."
    );
    if image == images.postgres {
        return Ok(());
    }
    let major = |image: &str| major(server.docker::<&str>([]), image);
    let (old, new) = (major(&image)?, major(&images.postgres)?);
    ensure!(
        old == new,
        "the data on {place} is from PostgreSQL {old}, but POSTGRES_IMAGE in .env is PostgreSQL {new}. Set the image \
         of version {old}. \"Upgrade PostgreSQL\" in docs/backups.md describes how to move the data."
    );
    Ok(())
}

/// Returns the major version of PostgreSQL in an image. `docker` is the command for the engine.
///
/// # Errors
/// The image does not exist or does not contain PostgreSQL.
pub fn major(mut docker: Command, image: &str) -> anyhow::Result<u32> {
    let run = ["run", "--rm", "--network=none", "--entrypoint=postgres", image, "--version"];
    let output = process::output(docker.args(run))?;
    // Such as `postgres (PostgreSQL) 17.5`.
    let version = output.split_whitespace().nth(2).and_then(|version| version.split('.').next());
    let major = version.and_then(|major| major.parse().ok());
    major.with_context(|| format!("cannot read the PostgreSQL version of {image}: {output}"))
}
