//! This machine's PostgreSQL, and the cluster that the project has in it.

use local_postgres::{Cluster, Status};

use super::{Finding, Scene, scene::Need};
use crate::{
    engine::{Kind, choose},
    project::Project,
};

pub(super) fn look(scene: &Scene) -> Vec<Finding> {
    [engine_changed(scene), installation(scene), cluster(scene)].into_iter().flatten().collect()
}

/// `up` refuses to go on then.
fn engine_changed(scene: &Scene) -> Option<Finding> {
    let wanted = scene.settings.as_ref()?.forced(None)?;
    let is = scene.state.as_ref()?.engine;
    let what = format!("ENGINE is {}, and the stack is up on {}", wanted.as_str(), is.as_str());
    (wanted != is).then(|| Finding::wrong("engine-changed", what, "cargo xtask down"))
}

fn installation(scene: &Scene) -> Option<Finding> {
    let settings = scene.settings.as_ref()?;
    let is_needed = match scene.need(Kind::Local) {
        Need::Must => true,
        Need::Not => false,
        Need::May => {
            let parts = scene.parts();
            parts.engine.is_err() || parts.compose.is_err() || parts.buildx.is_err()
        }
    };
    let error = choose::find_postgres(settings).err().filter(|_| is_needed)?.to_string();
    let (what, remedy) = error.rsplit_once('\n').unwrap_or((&error, "correct PG_BIN in .env"));
    Some(Finding::wrong("local-postgres", what.replace('\n', "; "), remedy))
}

/// The cluster's version, and what a killed server left.
fn cluster(scene: &Scene) -> Option<Finding> {
    let settings = scene.settings.as_ref()?;
    let folder = scene.root.join(".slipway").join(settings.cluster());
    let installation = choose::find_postgres_of(settings, &folder).ok()?;
    let cluster = Cluster::open(&installation, &folder).ok()?;
    if cluster.status().ok()? != Status::Stopped {
        return None;
    }
    if let Err(error) = cluster.check_version() {
        let remedy = "PG_BIN in .env: the folder of that version's programs; then, to move the data, \
            cargo xtask db upgrade";
        return Some(Finding::wrong("database-major", error.to_string(), remedy));
    }
    if !cluster.has_stale_pid_file().ok()? {
        return None;
    }
    let what = "postmaster.pid is of a server that was killed";
    Some(Finding::doubtful("stale-pid", what, "cargo xtask up").mended_by(move |_| {
        cluster.clear_pid_file()?;
        Ok("removed the file; the next start recovers what the server had not yet written"
            .to_owned())
    }))
}

/// The cluster of this checkout, if there is one.
pub(super) fn existing(project: &Project) -> Option<Cluster> {
    let settings = project.settings().ok()?;
    let folder = project.runtime(&settings.cluster());
    let installation = choose::find_postgres_of(&settings, &folder).ok()?;
    let cluster = Cluster::open(&installation, &folder).ok()?;
    (cluster.status().ok()? != Status::Absent).then_some(cluster)
}
