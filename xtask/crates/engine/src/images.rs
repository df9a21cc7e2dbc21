//! Checks that the images that the stack starts from are here or can be pulled.

use std::{
    process::Command,
    thread,
    time::{Duration, Instant},
};

use context::{process, settings::Settings};

/// An engine that answers at all does so in this time, on a busy machine too.
const TIMEOUT: Duration = Duration::from_secs(15);

/// How the images can be had, for people; engine and registry have `patience` to answer.
///
/// # Errors
/// Why they cannot, likewise.
pub fn available(settings: &Settings, patience: Duration) -> Result<String, String> {
    let started = Instant::now();
    let left = || patience.saturating_sub(started.elapsed());
    let is_here = |image: &str| is_here_within(image, left());
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
    let left = left();
    let asked: Vec<_> = missing
        .into_iter()
        .map(|image| {
            thread::spawn(move || {
                let mut command = Command::new("docker");
                let answer = process::probe(command.args(["manifest", "inspect", &image]), left);
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
pub fn is_here(image: &str) -> bool {
    is_here_within(image, TIMEOUT)
}

fn is_here_within(image: &str, patience: Duration) -> bool {
    let mut command = Command::new("docker");
    let command = command.args(["image", "inspect", "--format", "{{.Id}}", image]);
    process::probe(command, patience).is_ok()
}
