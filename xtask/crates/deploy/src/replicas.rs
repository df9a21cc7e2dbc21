//! Controls the API containers.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};

use crate::{image::Images, server::Server};
use context::process;

/// The time within which a replica must become ready.
const TIMEOUT: Duration = Duration::from_secs(30);

/// An API container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Replica {
    pub(super) id: String,
    /// The name of the container, which Docker's DNS resolves.
    pub(super) name: String,
    pub(super) image: String,
    pub(super) runs: bool,
}

/// Returns the API containers of all releases, oldest first.
pub(super) fn list(server: &Server) -> anyhow::Result<Vec<Replica>> {
    let format = "{{.ID}} {{.Names}} {{.Image}} {{.State}}";
    let mut ps = server.docker(["ps", "--all", "--no-trunc", "--format", format]);
    let lines = process::output(ps.args(server.filters(Some("api"))))?;
    let replica = |line: &str| {
        let mut words = line.split(' ').map(str::to_owned);
        let (id, name, image) = (words.next()?, words.next()?, words.next()?);
        Some(Replica { id, name, image, runs: words.next()? == "running" })
    };
    let mut replicas: Vec<_> = lines.lines().filter_map(replica).collect();
    replicas.reverse();
    Ok(replicas)
}

/// Starts `number` more replicas of a release and waits until they are ready.
///
/// # Errors
/// A replica does not become ready. The error contains the end of its log, and the new replicas are kept.
pub(super) fn start(
    server: &Server,
    images: &Images,
    number: usize,
) -> anyhow::Result<Vec<Replica>> {
    let before = list(server)?;
    let scale = format!("api={}", before.len() + number);
    let up = ["up", "--detach", "--no-deps", "--no-recreate", "--scale", &scale, "api"];
    process::output(&mut server.compose(images, &up))?;
    let is_new = |replica: &Replica| before.iter().all(|known| known.id != replica.id);
    let new: Vec<_> = list(server)?.into_iter().filter(is_new).collect();
    if new.len() != number {
        bail!(
            "Compose started {} replicas instead of {number}. See `cargo xtask logs --production api`.",
            new.len()
        );
    }
    thread::scope(|scope| {
        let waiting: Vec<_> =
            new.iter().map(|it| scope.spawn(|| wait_until_ready(server, it))).collect();
        waiting.into_iter().try_for_each(|it| it.join().expect("waiting does not panic"))
    })?;
    Ok(new)
}

/// Returns the names of the replicas that Compose would replace, because their settings or image have changed. `number`
/// is the number of all replicas.
pub(super) fn outdated(
    server: &Server,
    images: &Images,
    number: usize,
) -> anyhow::Result<Vec<String>> {
    let scale = format!("api={number}");
    let dry_run = ["up", "--dry-run", "--detach", "--no-deps", "--scale", &scale, "api"];
    let mut dry_run = server.compose(images, &dry_run);
    let output = dry_run.output().context("cannot start docker")?;
    // Reads stderr, because Compose writes its progress there.
    let progress = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("cannot compare the settings of the replicas: {}", progress.trim());
    }
    let replaced = |line: &str| {
        let mut words = line.split_whitespace().skip_while(|word| *word != "Container");
        let (name, action) = (words.nth(1)?, words.next()?);
        (action == "Recreate").then(|| name.to_owned())
    };
    Ok(progress.lines().filter_map(replaced).collect())
}

/// Splits replicas into ready replicas and the others.
pub(super) fn by_readiness(server: &Server, all: Vec<Replica>) -> (Vec<Replica>, Vec<Replica>) {
    let results: Vec<_> = thread::scope(|scope| {
        let checks: Vec<_> = all.iter().map(|it| scope.spawn(|| is_ready(server, it))).collect();
        checks.into_iter().map(|it| it.join().expect("the check does not panic")).collect()
    });
    let (ready, rest): (Vec<_>, Vec<_>) = all.into_iter().zip(results).partition(|(_, it)| *it);
    let replicas = |pairs: Vec<(Replica, bool)>| pairs.into_iter().map(|(it, _)| it).collect();
    (replicas(ready), replicas(rest))
}

/// Returns whether a replica reports that it is ready.
fn is_ready(server: &Server, replica: &Replica) -> bool {
    let check = ["exec", &replica.id, "/api", "healthcheck"];
    replica.runs && process::output(&mut server.docker(check)).is_ok()
}

fn wait_until_ready(server: &Server, replica: &Replica) -> anyhow::Result<()> {
    let started = Instant::now();
    while !is_ready(server, replica) {
        let format = "{{.State.Running}} {{.RestartCount}}";
        let state =
            process::output(&mut server.docker(["inspect", "--format", format, &replica.id]))?;
        if state != "true 0" || started.elapsed() > TIMEOUT {
            let mut logs = server.docker(["logs", "--tail", "8", &replica.id]);
            let logs = logs.output().context("cannot start docker")?;
            let log = [logs.stdout, logs.stderr].concat();
            let log = String::from_utf8_lossy(&log);
            bail!("{} does not become ready. The end of its log:\n{}", replica.name, log.trim());
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Stops the replicas after their requests have finished, and removes the containers.
pub(super) fn remove(server: &Server, replicas: &[Replica]) -> anyhow::Result<()> {
    if replicas.is_empty() {
        return Ok(());
    }
    let ids = || replicas.iter().map(|replica| replica.id.as_str());
    process::output(server.docker(["stop"]).args(ids()))?;
    process::output(server.docker(["rm", "--force"]).args(ids()))?;
    Ok(())
}
