//! The programs that a build produces.

use std::{fs, path::PathBuf, time::SystemTime};

/// A program built by cargo. The modification time distinguishes builds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    /// The shared libraries that the program loads from its own folder.
    pub(crate) libraries: Vec<PathBuf>,
    modified: Option<SystemTime>,
}

impl Program {
    pub(crate) fn new(path: PathBuf, libraries: Vec<PathBuf>) -> Self {
        let modified = fs::metadata(&path).and_then(|file| file.modified()).ok();
        Self { path, libraries, modified }
    }
}

/// The result of a successful build.
#[derive(Debug)]
pub(crate) struct Built {
    pub(crate) api: Program,
    pub(crate) migrate: Program,
    /// The result of applying the migrations.
    pub(crate) migrated: Result<(), String>,
}
