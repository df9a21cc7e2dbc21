//! Checks whether the base images of the stack exist locally or can be pulled.

use std::{
    process::Command,
    thread,
    time::{Duration, Instant},
};

use context::{process, settings::Settings};

const TIMEOUT: Duration = Duration::from_secs(15);

/// Checks that all images exist locally or can be pulled, and returns a message. `timeout` limits the whole check.
///
/// # Errors
/// Returns a message that names the missing images.
pub fn available(settings: &Settings, timeout: Duration) -> Result<String, String> {
    let started = Instant::now();
    let left = || timeout.saturating_sub(started.elapsed());
    let is_here = |image: &str| is_here_within(image, left());
    let dev = format!("{}-dev", settings.project);
    let mut wanted = vec![settings.postgres_image.clone()];
    if !is_here(&dev) {
        wanted.push(settings.rust_image.clone());
    }
    let missing: Vec<_> = wanted.into_iter().filter(|image| !is_here(image)).collect();
    if missing.is_empty() {
        return Ok("the images exist locally".to_owned());
    }
    // All queries run at the same time, because they share one timeout.
    let left = left();
    let queries: Vec<_> = missing
        .into_iter()
        .map(|image| {
            thread::spawn(move || {
                let mut command = Command::new("docker");
                let result = process::probe(command.args(["manifest", "inspect", &image]), left);
                result.map_err(|_| image)
            })
        })
        .collect();
    let unreachable: Vec<_> = queries
        .into_iter()
        .filter_map(|query| query.join().expect("a query does not panic").err())
        .collect();
    if unreachable.is_empty() {
        return Ok("the images can be pulled".to_owned());
    }
    Err(format!(
        "the images {} do not exist locally and cannot be pulled (`cargo xtask base-images` builds \
        images from Debian packages)",
        unreachable.join(" and ")
    ))
}

/// Returns whether this image exists locally.
pub fn is_here(image: &str) -> bool {
    is_here_within(image, TIMEOUT)
}

fn is_here_within(image: &str, timeout: Duration) -> bool {
    let mut command = Command::new("docker");
    let command = command.args(["image", "inspect", "--format", "{{.Id}}", image]);
    process::probe(command, timeout).is_ok()
}
