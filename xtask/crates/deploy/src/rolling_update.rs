//! Rolling updates: replaces replicas with zero downtime.
//!
//! The new ones start first. nginx passes requests to one when it is ready, and away from an old one
//! before that stops. Until the very end the old ones are there: to undo is to point nginx at them.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::{
    image::{self, Images},
    proxy::{Former, Proxy},
    replicas::{self, Replica},
    server::Server,
};
use context::{project::Project, report};

/// Has `number` replicas of this release serve, and nothing else. They are started in steps of `step`.
/// Returns how long it took until every new request went to them; the rest is for those in flight.
///
/// # Errors
/// nginx would not start, or a new replica does not get ready: those that served before serve on, and it is removed.
pub fn run(
    server: &Server,
    images: &Images,
    number: usize,
    step: usize,
) -> anyhow::Result<Duration> {
    let started = Instant::now();
    Proxy::check(server, images)?;
    let (serving, useless) = sorted(server)?;
    let all = serving.len() + useless.len();
    // Those of an interrupted roll-out to the same release are taken as they are.
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
    let mut former = match advanced {
        Ok(former) => former,
        Err(error) => {
            let undone = undo(server, &old, &new[..kept]);
            let undone = undone.map_or_else(|error| format!("{error:#}"), |()| "undone".to_owned());
            return Err(error.context(format!("the roll-out did not finish ({undone})")));
        }
    };
    let proxy = Proxy::start(server, images)?;
    if before.as_ref().is_none_or(|before| before.container != proxy.container) {
        former = Some(proxy.point_at(&new)?);
        if before.is_some() {
            report::note("nginx itself has changed and was replaced: connections ended with it");
        }
    }
    proxy.verify(new.first().context("there is a replica")?)?;
    let serving_after = started.elapsed();
    if let Some(former) = former.filter(|_| !old.is_empty()) {
        proxy.drain(&former)?;
    }
    replicas::remove(server, &[old, useless].concat())?;
    Ok(serving_after)
}

/// The replicas that serve, and those that are of no use.
fn sorted(server: &Server) -> anyhow::Result<(Vec<Replica>, Vec<Replica>)> {
    let all = replicas::list(server)?;
    let is_empty = !all.iter().any(|replica| replica.runs);
    let (serving, useless) = replicas::sorted(server, all);
    // All at once are not broken: it is something that they need.
    if serving.is_empty() && !is_empty {
        bail!("no replica is ready: `cargo xtask logs api` tells why");
    }
    Ok((serving, useless))
}

/// Starts what is missing, step by step, each of them taking the place of an old one, and returns what
/// of nginx may still pass requests to those.
fn advance(
    server: &Server,
    images: &Images,
    number: usize,
    step: usize,
    proxy: Option<&Proxy>,
    (new, old): (&mut Vec<Replica>, &[Replica]),
) -> anyhow::Result<Option<Former>> {
    let point = |new: &[Replica]| -> anyhow::Result<Option<Former>> {
        // In the last step no old one is left, however many there were.
        let rest = if new.len() < number { old.get(new.len()..) } else { None };
        let serving = [new, rest.unwrap_or_default()].concat();
        match proxy {
            Some(proxy) if !serving.is_empty() => proxy.point_at(&serving).map(Some),
            _ => Ok(None),
        }
    };
    // Before a new one starts: what Docker's DNS lists for all replicas will have it at once.
    let mut former = point(new)?;
    while new.len() < number {
        new.extend(replicas::start(server, images, step.min(number - new.len()))?);
        former = point(new)?;
    }
    Ok(former)
}

/// Has those serve alone again that did before, and removes what was started since.
fn undo(server: &Server, old: &[Replica], kept: &[Replica]) -> anyhow::Result<()> {
    let stays = [kept, old].concat();
    if let (Some(proxy), false) = (Proxy::find(server)?, stays.is_empty()) {
        let former = proxy.point_at(&stays)?;
        proxy.drain(&former)?;
    }
    let is_new = |replica: &Replica| stays.iter().all(|known| known.id != replica.id);
    let fresh: Vec<_> = replicas::list(server)?.into_iter().filter(is_new).collect();
    replicas::remove(server, &fresh)
}

/// What runs: each image, and on how many replicas; that on most comes first.
pub fn running(server: &Server) -> anyhow::Result<Vec<(String, usize)>> {
    let running = replicas::list(server)?.into_iter().filter(|replica| replica.runs);
    Ok(count(running.map(|replica| replica.image)))
}

/// Each of the images of running replicas, and on how many; that on most comes first.
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

/// The release that serves.
pub struct Serving {
    /// The tag of its images.
    pub tag: String,
    /// Its images.
    pub images: Images,
    /// On how many replicas.
    pub number: usize,
    /// Whether another one serves beside it.
    pub is_mixed: bool,
}

/// What serves on a server.
///
/// # Errors
/// Nothing does.
pub fn serving(server: &Server, project: &Project) -> anyhow::Result<Serving> {
    let running = running(server)?;
    let (image, number) = running.first().context("no release runs: `cargo xtask deploy`")?;
    let tag = image::tag_of(image).to_owned();
    let images = Images::of(project, server.settings, &tag)?.with_api(image);
    Ok(Serving { tag, images, number: *number, is_mixed: running.len() > 1 })
}

/// Removes the containers of the API that are no release, like those of development.
pub fn remove_foreign(server: &Server) -> anyhow::Result<()> {
    let (_, foreign) = by_kind(server)?;
    replicas::remove(server, &foreign)
}

/// Removes the replicas of every release.
pub fn remove_replicas(server: &Server) -> anyhow::Result<()> {
    let (ours, _) = by_kind(server)?;
    replicas::remove(server, &ours)
}

fn by_kind(server: &Server) -> anyhow::Result<(Vec<Replica>, Vec<Replica>)> {
    let releases = image::api_of(server.settings, "");
    let is_ours = |replica: &Replica| replica.image.starts_with(&releases);
    Ok(replicas::list(server)?.into_iter().partition(is_ours))
}
