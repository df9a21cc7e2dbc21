//! Finds PostgreSQL containers that killed test runs left behind.

use std::fs::File;

use context::engine_kind::EngineKind;

use crate::{
    check_context::{CheckContext, Need},
    diagnostic::Diagnostic,
    inventory::docker,
};

/// A container label whose value is the path of a lock file. A running test run holds the lock.
/// See tests/postgres/docker.rs.
const LABEL: &str = "test-postgres.lock";

pub(crate) fn check(context: &CheckContext) -> Vec<Diagnostic> {
    if context.need(EngineKind::Docker) == Need::Unused {
        return Vec::new();
    }
    let format = format!("{{{{.ID}}}}\t{{{{.Label \"{LABEL}\"}}}}");
    let filter = format!("label={LABEL}");
    let Ok(output) =
        context.deadline.docker(&["ps", "--all", "--filter", &filter, "--format", &format])
    else {
        return Vec::new();
    };
    let is_abandoned = |path: &str| File::open(path).is_ok_and(|file| file.try_lock().is_ok());
    let ids: Vec<_> = output
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .filter(|(_, path)| is_abandoned(path))
        .map(|(id, path)| (id.to_owned(), path.to_owned()))
        .collect();
    if ids.is_empty() {
        return Vec::new();
    }
    let names: Vec<_> = ids.iter().map(|(id, _)| id.as_str()).collect();
    let what = format!("a killed test run left {} containers behind", ids.len());
    let remedy = format!("docker rm --force --volumes {}", names.join(" "));
    vec![Diagnostic::warning("test-containers", what, remedy).with_fix(move |_| {
        for (id, path) in &ids {
            docker(&["rm", "--force", "--volumes", id])?;
            std::fs::remove_file(path)?;
        }
        Ok(format!("removed {} containers of test runs", ids.len()))
    })]
}
