//! Checks of this machine's PostgreSQL and of the project's cluster.

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

/// `up` refuses to go on then.
fn engine_changed(context: &CheckContext) -> Option<Diagnostic> {
    let wanted = context.settings.as_ref()?.forced(None)?;
    let is = context.state.as_ref()?.engine;
    let what = format!("ENGINE is {}, and the stack is up on {}", wanted.as_str(), is.as_str());
    (wanted != is).then(|| Diagnostic::error("engine-changed", what, "cargo xtask down"))
}

fn installation(context: &CheckContext) -> Option<Diagnostic> {
    let settings = context.settings.as_ref()?;
    let is_needed = match context.need(EngineKind::Local) {
        Need::Must => true,
        Need::Not => false,
        Need::May => {
            let parts = context.parts();
            parts.engine.is_err() || parts.compose.is_err() || parts.buildx.is_err()
        }
    };
    let error = postgres::find_postgres(settings).err().filter(|_| is_needed)?.to_string();
    let (what, remedy) = error.rsplit_once('\n').unwrap_or((&error, "correct PG_BIN in .env"));
    Some(Diagnostic::error("local-postgres", what.replace('\n', "; "), remedy))
}

/// The cluster's version, and what a killed server left.
fn cluster(context: &CheckContext) -> Option<Diagnostic> {
    let settings = context.settings.as_ref()?;
    let folder = context.deadline.root.join(".slipway").join(settings.cluster());
    let installation = postgres::find_postgres_of(settings, &folder).ok()?;
    let cluster = Cluster::open(&installation, &folder).ok()?;
    if cluster.status().ok()? != Status::Stopped {
        return None;
    }
    if let Err(error) = cluster.check_version() {
        let remedy = "PG_BIN in .env: the folder of that version's programs; then, to move the data, \
            cargo xtask db upgrade";
        return Some(Diagnostic::error("database-major", error.to_string(), remedy));
    }
    if !cluster.has_stale_pid_file().ok()? {
        return None;
    }
    let what = "postmaster.pid is of a server that was killed";
    Some(Diagnostic::warning("stale-pid", what, "cargo xtask up").with_fix(move |_| {
        cluster.clear_pid_file()?;
        Ok("removed the file; the next start recovers what the server had not yet written"
            .to_owned())
    }))
}
