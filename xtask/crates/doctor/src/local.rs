//! Checks the installed PostgreSQL and the project's cluster.

use context::engine_kind::EngineKind;
use engine::postgres;
use local_postgres::{Cluster, Status};

use crate::{
    check_context::{CheckContext, Need},
    diagnostic::Diagnostic,
};

pub(crate) fn check(context: &CheckContext) -> Vec<Diagnostic> {
    [engine_changed(context), installation(context), cluster(context)]
        .into_iter()
        .flatten()
        .collect()
}

/// Compares ENGINE with the engine that the stack runs on. `up` fails if the two differ.
fn engine_changed(context: &CheckContext) -> Option<Diagnostic> {
    let wanted = context.settings.as_ref()?.forced(None)?;
    let current = context.state.as_ref()?.engine;
    let what = format!("ENGINE is {}, but the stack runs on {}", wanted.as_str(), current.as_str());
    (wanted != current).then(|| Diagnostic::error("engine-changed", what, "cargo xtask down"))
}

fn installation(context: &CheckContext) -> Option<Diagnostic> {
    let settings = context.settings.as_ref()?;
    let is_needed = match context.need(EngineKind::Local) {
        Need::Required => true,
        Need::Unused => false,
        Need::Either => {
            let parts = context.parts();
            parts.engine.is_err() || parts.compose.is_err() || parts.buildx.is_err()
        }
    };
    let error = postgres::find_postgres(settings).err().filter(|_| is_needed)?.to_string();
    let (what, remedy) = error.rsplit_once('\n').unwrap_or((&error, "correct PG_BIN in .env"));
    Some(Diagnostic::error("local-postgres", what.replace('\n', "; "), remedy))
}

/// Checks the major version of the cluster, and finds the pid file of a killed server.
fn cluster(context: &CheckContext) -> Option<Diagnostic> {
    let settings = context.settings.as_ref()?;
    let folder = context.deadline.root.join(".slipway").join(settings.cluster());
    let installation = postgres::find_postgres_of(settings, &folder).ok()?;
    let cluster = Cluster::open(&installation, &folder).ok()?;
    if cluster.status().ok()? != Status::Stopped {
        return None;
    }
    if let Err(error) = cluster.check_version() {
        let remedy = "set PG_BIN in .env to the folder with the programs of that version. \
            Then run cargo xtask db upgrade to upgrade the data";
        return Some(Diagnostic::error("database-major", error.to_string(), remedy));
    }
    if !cluster.has_stale_pid_file().ok()? {
        return None;
    }
    let what = "a killed PostgreSQL server left its lock file postmaster.pid behind";
    Some(Diagnostic::warning("stale-pid", what, "cargo xtask up").with_fix(move |_| {
        cluster.clear_pid_file()?;
        Ok("removed postmaster.pid; PostgreSQL recovers its data at the next start".to_owned())
    }))
}
