//! The checkouts of this machine whose stack may be up: `up` notes them, and containers have their label.

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
/// What only a checkout of ours has.
const SIGN: &str = "crates/migration-files/Cargo.toml";

/// Notes that this checkout has a stack. Where that cannot be written, only `status --all` misses it.
pub fn add(project: &Project) {
    if let Some(folder) = folder() {
        let _ = fs::create_dir_all(&folder).and_then(|()| {
            fs::write(note(&folder, &project.root), project.root.as_os_str().as_encoded_bytes())
        });
    }
}

/// Forgets a checkout.
pub fn remove(root: &Path) {
    if let Some(folder) = folder() {
        let _ = fs::remove_file(note(&folder, root));
    }
}

/// The root folders, by name. Those that are gone are forgotten.
pub fn roots() -> BTreeSet<PathBuf> {
    let noted = folder().and_then(|folder| fs::read_dir(folder).ok()).into_iter().flatten();
    let mut roots: BTreeSet<_> = noted
        .filter_map(|entry| fs::read_to_string(entry.ok()?.path()).ok())
        .map(PathBuf::from)
        .chain(of_containers())
        .collect();
    roots.retain(|root| {
        let is_there = root.join(SIGN).is_file();
        if !is_there {
            remove(root);
        }
        is_there
    });
    roots
}

/// Plain `docker compose up` notes nothing.
fn of_containers() -> Vec<PathBuf> {
    let label = "com.docker.compose.project.working_dir";
    let mut list = Command::new("docker");
    list.args(["ps", "--filter", &format!("label={label}")]);
    list.args(["--format", &format!("{{{{.Label \"{label}\"}}}}")]);
    let said = process::probe(&mut list, TIMEOUT).unwrap_or_default();
    said.lines().map(PathBuf::from).collect()
}

/// A file for each, so that two that start at once do not disturb each other.
fn note(folder: &Path, root: &Path) -> PathBuf {
    folder.join(format!("{:016x}", Fnv1a::of(root.as_os_str().as_encoded_bytes())))
}

/// Where the system keeps what is a user's and no document; one folder for every project made of this template.
fn folder() -> Option<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from);
    let state = set("XDG_STATE_HOME")
        .or_else(|| set("LOCALAPPDATA"))
        .or_else(|| Some(set("HOME")?.join(".local/state")))?;
    Some(state.join("xtask/stacks"))
}
