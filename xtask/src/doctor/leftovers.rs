//! What killed test runs have left: containers with a PostgreSQL that nobody asks any more.

use std::fs::File;

use super::{Finding, Scene, containers::docker, scene::Need};
use crate::engine::Kind;

/// The label with the path of a file that the holder of the container keeps locked while it lives: see
/// tests/postgres/docker.rs.
const LABEL: &str = "test-postgres.lock";

pub(super) fn look(scene: &Scene) -> Vec<Finding> {
    if scene.need(Kind::Docker) == Need::Not {
        return Vec::new();
    }
    let format = format!("{{{{.ID}}}}\t{{{{.Label \"{LABEL}\"}}}}");
    let filter = format!("label={LABEL}");
    let Ok(answer) = scene.docker(&["ps", "--all", "--filter", &filter, "--format", &format])
    else {
        return Vec::new();
    };
    let is_left = |path: &str| File::open(path).is_ok_and(|file| file.try_lock().is_ok());
    let ids: Vec<_> = answer
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .filter(|(_, path)| is_left(path))
        .map(|(id, path)| (id.to_owned(), path.to_owned()))
        .collect();
    if ids.is_empty() {
        return Vec::new();
    }
    let names: Vec<_> = ids.iter().map(|(id, _)| id.as_str()).collect();
    let what = format!("a killed test run has left {} containers", ids.len());
    let remedy = format!("docker rm --force --volumes {}", names.join(" "));
    vec![Finding::doubtful("test-containers", what, remedy).mended_by(move |_| {
        for (id, path) in &ids {
            docker(&["rm", "--force", "--volumes", id])?;
            std::fs::remove_file(path)?;
        }
        Ok(format!("removed {} containers of test runs", ids.len()))
    })]
}
