//! Whether the images that the stack starts from are here or can be had.

use std::{process::Command, thread, time::Duration};

use crate::{process, settings::Settings};

pub(super) const PATIENCE: Duration = Duration::from_millis(1200);

/// How the images can be had, for people; a registry has `patience` to answer.
///
/// # Errors
/// Why they cannot, likewise.
pub(crate) fn available(settings: &Settings, patience: Duration) -> Result<String, String> {
    let dev = format!("{}-dev", settings.project);
    let mut wanted = vec![settings.postgres_image.clone()];
    if !is_here(&dev) {
        wanted.push(settings.rust_image.clone());
    }
    let missing: Vec<_> = wanted.into_iter().filter(|image| !is_here(image)).collect();
    if missing.is_empty() {
        return Ok("the images are here".to_owned());
    }
    // All at once: together they may take no longer than one.
    let asked: Vec<_> = missing
        .into_iter()
        .map(|image| {
            thread::spawn(move || {
                let mut command = Command::new("docker");
                let answer =
                    process::probe(command.args(["manifest", "inspect", &image]), patience);
                answer.map_err(|_| image)
            })
        })
        .collect();
    let unreachable: Vec<_> = asked
        .into_iter()
        .filter_map(|asked| asked.join().expect("asking does not panic").err())
        .collect();
    if unreachable.is_empty() {
        return Ok("the images can be pulled".to_owned());
    }
    Err(format!(
        "the images {} are not here and no registry gives them (`cargo xtask base-images` makes such \
        images from Debian packages)",
        unreachable.join(" and ")
    ))
}

/// Whether the engine has this image.
pub(crate) fn is_here(image: &str) -> bool {
    let mut command = Command::new("docker");
    let command = command.args(["image", "inspect", "--format", "{{.Id}}", image]);
    process::probe(command, PATIENCE).is_ok()
}
