//! Checks the installed PostgreSQL and the project's cluster.

use anyhow::Context as _;
use context::{engine_kind::EngineKind, project::Project};
use engine::postgres;
use local_postgres::{Error, Fetched, Status};

use crate::{
    check_context::{CheckContext, Need},
    diagnostic::Diagnostic,
};

pub(crate) fn check(context: &CheckContext) -> Vec<Diagnostic> {
    [engine_changed(context), fetched(), installation(context), cluster(context)]
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
    let error = postgres::find_postgres(settings).err().filter(|_| is_needed)?;
    let text = error.to_string();
    let (what, remedy) = text.rsplit_once('\n').unwrap_or((&text, "correct PG_BIN in .env"));
    let what = what.replace('\n', "; ");
    let Error::NotFound { .. } = error else {
        return Some(Diagnostic::error("local-postgres", what, remedy));
    };
    let remedy =
        format!("run cargo xtask up, which fetches PostgreSQL with pip or uv, or {remedy}");
    Some(Diagnostic::error("local-postgres", what, remedy).with_fix(|_| {
        let fetched = of_this_user().context(
            "the place of the cache folder is unknown. Set HOME, or LOCALAPPDATA on Windows.",
        )?;
        let bin = fetched.fetch()?.bin().display().to_string();
        Ok(format!("fetched PostgreSQL {} for this user into {bin}", Fetched::version()))
    }))
}

fn of_this_user() -> Option<Fetched> {
    Fetched::of_this_user(&|name| std::env::var_os(name))
}

/// Checks the PostgreSQL that a command has fetched into the cache folder of this user.
fn fetched() -> Option<Diagnostic> {
    let fetched = of_this_user()?;
    let problem = fetched.problem()?;
    let remedy = format!("delete {}, then run cargo xtask up", fetched.folder().display());
    Some(Diagnostic::warning("fetched-postgres", problem, remedy).with_fix(move |_| {
        fetched.repair()?;
        Ok(format!("{} is complete", fetched.folder().display()))
    }))
}

/// Checks the access to the cluster and its major version, and finds the pid file of a killed server.
fn cluster(context: &CheckContext) -> Option<Diagnostic> {
    let project = Project::at(&context.deadline.root).ok()?;
    let cluster = match postgres::existing_cluster(&project) {
        Ok(cluster) => cluster?,
        Err(error) => {
            let Some(Error::Unreachable { folder, closed }) = error.downcast_ref() else {
                return None;
            };
            let (folder, closed) = (folder.display(), closed.display());
            let what = format!(
                "the database is in {folder}, but the user that runs PostgreSQL cannot enter {closed}"
            );
            let remedy = format!("chmod o+x '{closed}'");
            return Some(Diagnostic::error("database-unreachable", what, remedy));
        }
    };
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
