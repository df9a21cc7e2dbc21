//! Finds the programs of the PostgreSQL installed on this machine.

use std::env::consts::{EXE_SUFFIX, OS};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use crate::Error;
use crate::error::OLDEST;

/// The programs of one PostgreSQL version.
#[derive(Clone, Debug)]
pub struct Installation {
    bin: PathBuf,
    version: (u32, u32),
}

impl Installation {
    /// Finds PostgreSQL in the folder `PG_BIN`, in `PATH`, or in the default folders of this system.
    ///
    /// In the default folders, the newest version is selected. `lookup` reads environment variables.
    ///
    /// # Errors
    /// Returns [`Error::PgBin`] if `PG_BIN` is set but not usable, and otherwise [`Error::NotFound`].
    pub fn find(lookup: &dyn Fn(&str) -> Option<OsString>) -> Result<Self, Error> {
        Self::find_among(lookup, &default_folders(lookup))
    }

    fn find_among(
        lookup: &dyn Fn(&str) -> Option<OsString>,
        defaults: &[PathBuf],
    ) -> Result<Self, Error> {
        let set = |name| lookup(name).filter(|value| !value.is_empty());
        if let Some(folder) = set("PG_BIN").map(PathBuf::from) {
            return Self::at(&folder).map_err(|reason| Error::PgBin { folder, reason });
        }
        let mut rejected = Vec::new();
        let mut usable = |folder: PathBuf| match Self::at(&folder) {
            Ok(found) => Some(found),
            Err(reason) => {
                // Folders without the program `postgres` are skipped silently.
                if program(&folder, "postgres").is_file() {
                    rejected.push(format!("{}: {reason}", folder.display()));
                }
                None
            }
        };
        let path = set("PATH").unwrap_or_default();
        let first = env::split_paths(&path).find_map(&mut usable);
        let newest = || {
            let found = defaults.iter().flat_map(|pattern| expand(pattern));
            found.filter_map(usable).max_by_key(Self::version)
        };
        first.or_else(newest).ok_or_else(|| Error::NotFound {
            looked: ["the folders of PATH".to_owned()]
                .into_iter()
                .chain(defaults.iter().map(|folder| folder.display().to_string()))
                .collect(),
            rejected,
        })
    }

    /// Returns the installation in `bin`, or the reason why it cannot be used.
    fn at(bin: &Path) -> Result<Self, String> {
        for name in ["postgres", "initdb", "pg_ctl"] {
            let wanted = program(bin, name);
            if !wanted.is_file() {
                return Err(format!("{name}{EXE_SUFFIX} is missing in this folder"));
            }
        }
        let output = Command::new(program(bin, "postgres"))
            .arg("--version")
            .output()
            .map_err(|error| format!("postgres --version failed: {error}"))?;
        let stdout = String::from_utf8_lossy(&output.stdout);
        let version = parse_version(&stdout).ok_or_else(|| {
            format!("postgres --version printed an unknown version: {:?}", stdout.trim())
        })?;
        if version.0 < OLDEST {
            let (major, minor) = version;
            return Err(format!(
                "PostgreSQL {major}.{minor} is too old, because {OLDEST} or newer is required"
            ));
        }
        // The path must be absolute, because the server has another working folder.
        let bin = std::path::absolute(bin).map_err(|error| error.to_string())?;
        Ok(Self { bin, version })
    }

    /// Returns the newest installation of each major version, sorted by version.
    ///
    /// Searches the default folders of this system.
    pub fn all(lookup: &dyn Fn(&str) -> Option<OsString>) -> Vec<Self> {
        let defaults = default_folders(lookup);
        let folders = defaults.iter().flat_map(|pattern| expand(pattern));
        let mut found: Vec<_> = folders.filter_map(|folder| Self::at(&folder).ok()).collect();
        found.sort_by_key(|installation| std::cmp::Reverse(installation.version));
        found.dedup_by_key(|installation| installation.version.0);
        found.reverse();
        found
    }

    /// Returns the folder of the programs.
    pub fn bin(&self) -> &Path {
        &self.bin
    }

    /// Returns the major and minor version.
    pub fn version(&self) -> (u32, u32) {
        self.version
    }

    /// Returns the path of a program such as `psql`.
    ///
    /// Returns the bare name, which `PATH` resolves, if the folder does not contain the program.
    pub fn program(&self, name: &str) -> PathBuf {
        let path = program(&self.bin, name);
        if path.is_file() { path } else { name.into() }
    }
}

fn program(bin: &Path, name: &str) -> PathBuf {
    bin.join(format!("{name}{EXE_SUFFIX}"))
}

/// Parses a version such as `postgres (PostgreSQL) 15.4 (Debian 15.4-1)`. `18beta1` becomes 18.0.
fn parse_version(text: &str) -> Option<(u32, u32)> {
    let number = |text: &str| {
        let end = text.find(|c: char| !c.is_ascii_digit());
        text[..end.unwrap_or(text.len())].parse().ok()
    };
    let word =
        text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let minor = word.split_once('.').and_then(|(_, minor)| number(minor));
    Some((number(word)?, minor.unwrap_or(0)))
}

/// Returns the folders in which packages install PostgreSQL, with `*` for the version.
fn default_folders(lookup: &dyn Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let folders: &[&str] = match OS {
        "windows" => {
            let programs = lookup("ProgramFiles").unwrap_or_else(|| r"C:\Program Files".into());
            return vec![PathBuf::from(programs).join(r"PostgreSQL\*\bin")];
        }
        "macos" => &[
            "/opt/homebrew/opt/postgresql*/bin",
            "/usr/local/opt/postgresql*/bin",
            "/Applications/Postgres.app/Contents/Versions/*/bin",
        ],
        _ => &["/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin"],
    };
    folders.iter().map(PathBuf::from).collect()
}

/// Returns the folders that match `pattern`. The pattern has one `*` at the end of a component.
fn expand(pattern: &Path) -> Vec<PathBuf> {
    let text = pattern.to_string_lossy();
    let (before, after) = text.split_once('*').unwrap_or((&text, ""));
    let start = before.rfind(['/', '\\']).map_or(0, |slash| slash + 1);
    let (parent, prefix) = before.split_at(start);
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path().join(after.trim_start_matches(['/', '\\'])))
        .collect()
}

#[cfg(test)]
mod tests;
