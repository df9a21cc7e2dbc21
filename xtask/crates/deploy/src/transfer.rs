//! Brings the images of a release to a server.

use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use context::process;

use crate::{image::is_here, platform::Platform, server::Server};

fn has(docker: &mut Command, image: &str) -> Option<String> {
    process::output(docker.args(["image", "inspect", "--format", "{{.Id}}", image])).ok()
}

/// Whether the server lacks an image that is here, or has another of that name.
pub fn would_send(server: &Server, image: &str, platform: Platform) -> bool {
    let there = has(&mut server.docker::<&str>([]), image);
    there.is_none() || there != here(image, platform)
}

/// This machine's image of that name, if it is for the platform.
fn here(image: &str, platform: Platform) -> Option<String> {
    is_here(image, platform).then(|| has(&mut Command::new("docker"), image)).flatten()
}

/// Brings an image to the server, which is of that platform, if it is not there, and says how.
pub fn send(
    server: &Server,
    image: &str,
    platform: Platform,
) -> anyhow::Result<Option<&'static str>> {
    let there = has(&mut server.docker::<&str>([]), image);
    let here = here(image, platform);
    if there.is_some() && (here.is_none() || here == there) {
        return Ok(None);
    }
    if process::output(&mut server.docker(["pull", "--quiet", image])).is_ok() {
        return Ok(Some("pulled"));
    }
    if here.is_none() {
        bail!("{image} is neither here, for {platform}, nor in a registry that the server reaches");
    }
    let mut save = Command::new("docker");
    let mut save = save.args(["save", image]).stdout(Stdio::piped()).spawn()?;
    let mut load = server.docker(["load", "--quiet"]);
    let sent = process::output(load.stdin(save.stdout.take().context("it is piped")?));
    // It has an end of the pipe: `docker save` would wait for ever for somebody to read what it writes.
    drop(load);
    save.wait()?;
    sent.with_context(|| format!("{image} cannot be sent to {}", server.place()))?;
    Ok(Some("sent"))
}

/// A label of an image on the server.
pub fn label(server: &Server, image: &str, name: &str) -> anyhow::Result<String> {
    let format = format!("{{{{index .Config.Labels {name:?}}}}}");
    process::output(&mut server.docker(["image", "inspect", "--format", &format, image]))
}
