//! Snapshots of the modification times and sizes of source files. Comparing snapshots finds changes reliably, however
//! an editor writes its files.

use std::{collections::HashMap, fs, path::Path, path::PathBuf, time::SystemTime};

/// The folders that a snapshot contains recursively. A snapshot also contains the files directly in the root.
pub(crate) const FOLDERS: [&str; 4] = ["crates", "docker", ".cargo", "xtask/crates/dev-server"];

#[derive(Default)]
pub(crate) struct Snapshot(HashMap<PathBuf, (Option<SystemTime>, u64)>);

impl Snapshot {
    pub(crate) fn take(root: &Path) -> Self {
        let mut files = HashMap::new();
        add(root, &mut files, false);
        for folder in FOLDERS {
            add(&root.join(folder), &mut files, true);
        }
        Self(files)
    }

    /// Returns the files that were changed, added or removed in `newer`.
    pub(crate) fn changes(&self, newer: &Self) -> Vec<PathBuf> {
        let other = newer.0.iter().filter(|(path, file)| self.0.get(*path) != Some(file));
        let gone = self.0.iter().filter(|(path, _)| !newer.0.contains_key(*path));
        let mut paths: Vec<_> = other.chain(gone).map(|(path, _)| path.clone()).collect();
        paths.sort();
        paths
    }
}

/// Adds the files of a folder. Skips unreadable files, because an editor or git may be replacing them.
fn add(folder: &Path, files: &mut HashMap<PathBuf, (Option<SystemTime>, u64)>, below: bool) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, Ok(metadata)) = (entry.path(), entry.metadata()) else { continue };
        if !metadata.is_dir() {
            files.insert(path, (metadata.modified().ok(), metadata.len()));
        } else if below && entry.file_name() != "target" {
            add(&path, files, true);
        }
    }
}
