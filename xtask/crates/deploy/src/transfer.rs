//! Transfers images to a server.

use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use context::process;

use crate::{image::is_here, platform::Platform, server::Server};

/// Returns the id of an image, or `None` if the engine does not have the image.
fn image_id(docker: &mut Command, image: &str) -> Option<String> {
    process::output(docker.args(["image", "inspect", "--format", "{{.Id}}", image])).ok()
}

/// Returns whether the server does not have this machine's version of the image.
pub fn would_send(server: &Server, image: &str, platform: Platform) -> bool {
    let remote = image_id(&mut server.docker::<&str>([]), image);
    remote.is_none() || remote != local_id(image, platform)
}

/// Returns the id of this machine's image if the image is for the platform.
fn local_id(image: &str, platform: Platform) -> Option<String> {
    is_here(image, platform).then(|| image_id(&mut Command::new("docker"), image)).flatten()
}

/// Transfers an image to the server if necessary. Returns `pulled` or `sent`, or `None` if the server has the image.
pub fn send(
    server: &Server,
    image: &str,
    platform: Platform,
) -> anyhow::Result<Option<&'static str>> {
    let remote = image_id(&mut server.docker::<&str>([]), image);
    let local = local_id(image, platform);
    if remote.is_some() && (local.is_none() || local == remote) {
        return Ok(None);
    }
    if process::output(&mut server.docker(["pull", "--quiet", image])).is_ok() {
        return Ok(Some("pulled"));
    }
    if local.is_none() {
        bail!(
            "cannot find {image} for {platform} on this machine or in a registry that the server can reach"
        );
    }
    let mut save = Command::new("docker");
    let mut save = save.args(["save", image]).stdout(Stdio::piped()).spawn()?;
    let mut load = server.docker(["load", "--quiet"]);
    let sent = process::output(load.stdin(save.stdout.take().context("stdout is piped")?));
    // Closes the read end of the pipe, which `load` owns. Otherwise `docker save` could wait forever.
    drop(load);
    save.wait()?;
    sent.with_context(|| format!("cannot send {image} to {}", server.place()))?;
    Ok(Some("sent"))
}

/// Returns a label of an image on the server.
pub fn label(server: &Server, image: &str, name: &str) -> anyhow::Result<String> {
    let format = format!("{{{{index .Config.Labels {name:?}}}}}");
    process::output(&mut server.docker(["image", "inspect", "--format", &format, image]))
}
