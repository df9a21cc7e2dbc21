//! The programs that a build makes.

use std::{fs, path::PathBuf, time::SystemTime};

/// A program that cargo has made, told from the next by its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    /// What it loads from the folder that it is in.
    pub(crate) libraries: Vec<PathBuf>,
    made: Option<SystemTime>,
}

impl Program {
    pub(crate) fn new(path: PathBuf, libraries: Vec<PathBuf>) -> Self {
        let made = fs::metadata(&path).and_then(|file| file.modified()).ok();
        Self { path, libraries, made }
    }
}

/// What a build made.
#[derive(Debug)]
pub(crate) struct Built {
    pub(crate) api: Program,
    pub(crate) migrate: Program,
    /// Whether the schema is as `api` needs it, or why not.
    pub(crate) migrated: Result<(), String>,
}
