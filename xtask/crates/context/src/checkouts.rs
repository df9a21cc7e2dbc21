//! Lists the checkouts on this machine that may have a running stack, from records of `up` and container labels.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use local_postgres::Fnv1a;

use crate::{process, project::Project};

const TIMEOUT: Duration = Duration::from_secs(2);
/// A file that exists in every checkout of this project.
const MARKER_FILE: &str = "crates/migration-files/Cargo.toml";

/// Records that this checkout has a stack. Ignores errors, because only `status --all` needs the record.
pub fn add(project: &Project) {
    if let Some(folder) = folder() {
        let _ = fs::create_dir_all(&folder).and_then(|()| {
            fs::write(
                record_path(&folder, &project.root),
                project.root.as_os_str().as_encoded_bytes(),
            )
        });
    }
}

/// Removes the record of a checkout.
pub fn remove(root: &Path) {
    if let Some(folder) = folder() {
        let _ = fs::remove_file(record_path(&folder, root));
    }
}

/// Returns the root folders of the checkouts, sorted. Removes the records of deleted checkouts.
pub fn roots() -> BTreeSet<PathBuf> {
    let records = folder().and_then(|folder| fs::read_dir(folder).ok()).into_iter().flatten();
    let mut roots: BTreeSet<_> = records
        .filter_map(|entry| fs::read_to_string(entry.ok()?.path()).ok())
        .map(PathBuf::from)
        .chain(from_containers())
        .collect();
    roots.retain(|root| {
        let exists = root.join(MARKER_FILE).is_file();
        if !exists {
            remove(root);
        }
        exists
    });
    roots
}

/// Returns the checkouts of running containers. Plain `docker compose up` does not write a record.
fn from_containers() -> Vec<PathBuf> {
    let label = "com.docker.compose.project.working_dir";
    let mut list = Command::new("docker");
    list.args(["ps", "--filter", &format!("label={label}")]);
    list.args(["--format", &format!("{{{{.Label \"{label}\"}}}}")]);
    let output = process::probe(&mut list, TIMEOUT).unwrap_or_default();
    output.lines().map(PathBuf::from).collect()
}

/// Returns the record of a checkout. Each checkout has its own file, so concurrent commands do not conflict.
fn record_path(folder: &Path, root: &Path) -> PathBuf {
    folder.join(format!("{:016x}", Fnv1a::of(root.as_os_str().as_encoded_bytes())))
}

/// Returns the folder of the records. All projects made from this template share it.
fn folder() -> Option<PathBuf> {
    let variable =
        |name: &str| env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from);
    let state = variable("XDG_STATE_HOME")
        .or_else(|| variable("LOCALAPPDATA"))
        .or_else(|| Some(variable("HOME")?.join(".local/state")))?;
    Some(state.join("xtask/stacks"))
}
