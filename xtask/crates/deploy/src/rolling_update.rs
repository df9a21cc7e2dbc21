//! Zero-downtime rolling updates.
//!
//! New replicas start first, and nginx sends requests to a new replica when the replica is ready. Old replicas keep
//! running until the end, so an update is undone by pointing nginx back at the old replicas.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::{
    image::{self, Images},
    proxy::{OldWorkers, Proxy},
    replicas::{self, Replica},
    server::Server,
};
use context::{project::Project, report};

/// Replaces all replicas with `number` replicas of this release, `step` at a time. Returns the time until all new
/// requests went to the new replicas, without the time to finish requests in flight.
///
/// # Errors
/// nginx would not start, or a new replica does not become ready. Then the old replicas keep serving, and new replicas
/// are removed.
pub fn run(
    server: &Server,
    images: &Images,
    number: usize,
    step: usize,
) -> anyhow::Result<Duration> {
    let started = Instant::now();
    Proxy::check(server, images)?;
    let (serving, not_ready) = by_readiness(server)?;
    let all = serving.len() + not_ready.len();
    // An interrupted update to the same release may have left ready replicas, which are used again.
    let (mut new, mut old): (Vec<_>, Vec<_>) =
        serving.into_iter().partition(|replica| replica.image == images.api);
    if !new.is_empty() {
        let outdated = replicas::outdated(server, images, all)?;
        old.extend(new.extract_if(.., |replica| outdated.contains(&replica.name)));
    }
    old.extend(new.split_off(number.min(new.len())));
    let kept = new.len();
    let before = Proxy::find(server)?;
    let advanced = advance(server, images, number, step, before.as_ref(), (&mut new, &old));
    let mut old_workers = match advanced {
        Ok(workers) => workers,
        Err(error) => {
            let undone = undo(server, &old, &new[..kept]);
            let undone = undone.map_or_else(
                |error| format!("cannot be undone ({error:#})"),
                |()| "was undone".to_owned(),
            );
            return Err(error.context(format!("the rolling update failed and {undone}")));
        }
    };
    let proxy = Proxy::start(server, images)?;
    if before.as_ref().is_none_or(|before| before.container != proxy.container) {
        old_workers = Some(proxy.point_at(&new)?);
        if before.is_some() {
            report::note(
                "nginx was replaced because its image or settings changed. Open connections were closed.",
            );
        }
    }
    proxy.verify(new.first().context("there is a replica")?)?;
    let serving_after = started.elapsed();
    if let Some(workers) = old_workers.filter(|_| !old.is_empty()) {
        proxy.drain(&workers)?;
    }
    replicas::remove(server, &[old, not_ready].concat())?;
    Ok(serving_after)
}

/// Makes nginx read its configuration and its certificate again, without closing connections in use.
pub(super) fn reload(server: &Server) -> anyhow::Result<()> {
    let (serving, _) = by_readiness(server)?;
    let proxy = Proxy::find(server)?.context("nginx is not running. Run cargo xtask deploy.")?;
    proxy.point_at(&serving)?;
    Ok(())
}

/// Splits the replicas into ready replicas and the others.
///
/// # Errors
/// Replicas are running, but none is ready.
fn by_readiness(server: &Server) -> anyhow::Result<(Vec<Replica>, Vec<Replica>)> {
    let all = replicas::list(server)?;
    let is_empty = !all.iter().any(|replica| replica.runs);
    let (serving, not_ready) = replicas::by_readiness(server, all);
    // A shared dependency, such as the database, is probably down. New replicas would not become ready either.
    if serving.is_empty() && !is_empty {
        bail!("no replica is ready. See `cargo xtask logs api`.");
    }
    Ok((serving, not_ready))
}

/// Starts the missing replicas step by step. Each new replica replaces an old replica. Returns the nginx
/// workers that may still send requests to old replicas.
fn advance(
    server: &Server,
    images: &Images,
    number: usize,
    step: usize,
    proxy: Option<&Proxy>,
    (new, old): (&mut Vec<Replica>, &[Replica]),
) -> anyhow::Result<Option<OldWorkers>> {
    let point = |new: &[Replica]| -> anyhow::Result<Option<OldWorkers>> {
        // nginx keeps some old replicas until the last step. After the last step, it uses only new replicas.
        let rest = if new.len() < number { old.get(new.len()..) } else { None };
        let serving = [new, rest.unwrap_or_default()].concat();
        match proxy {
            Some(proxy) if !serving.is_empty() => proxy.point_at(&serving).map(Some),
            _ => Ok(None),
        }
    };
    // nginx must list replicas by name before a new replica starts, because the DNS name `api` includes every
    // replica immediately.
    let mut workers = point(new)?;
    while new.len() < number {
        new.extend(replicas::start(server, images, step.min(number - new.len()))?);
        workers = point(new)?;
    }
    Ok(workers)
}

/// Sends all requests to the previous replicas again, and removes the new replicas.
fn undo(server: &Server, old: &[Replica], kept: &[Replica]) -> anyhow::Result<()> {
    let previous = [kept, old].concat();
    if let (Some(proxy), false) = (Proxy::find(server)?, previous.is_empty()) {
        let workers = proxy.point_at(&previous)?;
        proxy.drain(&workers)?;
    }
    let is_new = |replica: &Replica| previous.iter().all(|known| known.id != replica.id);
    let new: Vec<_> = replicas::list(server)?.into_iter().filter(is_new).collect();
    replicas::remove(server, &new)
}

/// Returns each running API image with its number of replicas, most replicas first.
pub fn running(server: &Server) -> anyhow::Result<Vec<(String, usize)>> {
    let running = replicas::list(server)?.into_iter().filter(|replica| replica.runs);
    Ok(count(running.map(|replica| replica.image)))
}

/// Counts equal images and sorts them by count, largest first.
pub(super) fn count(images: impl Iterator<Item = String>) -> Vec<(String, usize)> {
    let mut found: Vec<(String, usize)> = Vec::new();
    for image in images {
        match found.iter_mut().find(|(known, _)| *known == image) {
            Some((_, number)) => *number += 1,
            None => found.push((image, 1)),
        }
    }
    found.sort_by_key(|(_, number)| std::cmp::Reverse(*number));
    found
}

/// The running release.
pub struct Serving {
    /// The tag of its images.
    pub tag: String,
    /// The images of the release.
    pub images: Images,
    /// The number of replicas.
    pub number: usize,
    /// True if replicas of another release are also running.
    pub is_mixed: bool,
}

/// Returns the release that runs on most replicas.
///
/// # Errors
/// No release is running.
pub fn serving(server: &Server, project: &Project) -> anyhow::Result<Serving> {
    let running = running(server)?;
    let (image, number) =
        running.first().context("no release is running. Run cargo xtask deploy.")?;
    let tag = image::tag_of(image).to_owned();
    let images = Images::of(project, server.settings, &tag)?.with_api(image);
    Ok(Serving { tag, images, number: *number, is_mixed: running.len() > 1 })
}

/// Removes API containers that do not belong to a release, such as development containers.
pub fn remove_foreign(server: &Server) -> anyhow::Result<()> {
    let (_, foreign) = by_kind(server)?;
    replicas::remove(server, &foreign)
}

/// Removes the replicas of every release.
pub fn remove_replicas(server: &Server) -> anyhow::Result<()> {
    let (ours, _) = by_kind(server)?;
    replicas::remove(server, &ours)
}

/// Splits the API containers into containers of releases and other containers.
fn by_kind(server: &Server) -> anyhow::Result<(Vec<Replica>, Vec<Replica>)> {
    let releases = image::api_of(server.settings, "");
    let is_ours = |replica: &Replica| replica.image.starts_with(&releases);
    Ok(replicas::list(server)?.into_iter().partition(is_ours))
}
