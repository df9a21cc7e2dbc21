//! The programs of a PostgreSQL installed on this machine, and where to find them.

use std::env::consts::{EXE_SUFFIX, OS};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use crate::Error;
use crate::error::OLDEST;

/// The programs of one PostgreSQL.
#[derive(Clone, Debug)]
pub struct Installation {
    bin: PathBuf,
    version: (u32, u32),
}

impl Installation {
    /// Finds a PostgreSQL: in the folder `PG_BIN` names, else the first in `PATH`, else
    /// the newest where this system usually has it. `lookup` reads the environment.
    ///
    /// # Errors
    /// [`Error::PgBin`] when `PG_BIN` is set and wrong, else [`Error::NotFound`].
    pub fn find(lookup: &dyn Fn(&str) -> Option<OsString>) -> Result<Self, Error> {
        Self::find_among(lookup, &usual_places(lookup))
    }

    fn find_among(
        lookup: &dyn Fn(&str) -> Option<OsString>,
        usual: &[PathBuf],
    ) -> Result<Self, Error> {
        let set = |name| lookup(name).filter(|value| !value.is_empty());
        if let Some(folder) = set("PG_BIN").map(PathBuf::from) {
            return Self::at(&folder).map_err(|reason| Error::PgBin { folder, reason });
        }
        let mut rejected = Vec::new();
        let mut usable = |folder: PathBuf| match Self::at(&folder) {
            Ok(found) => Some(found),
            Err(reason) => {
                // A folder without a server is no news.
                if program(&folder, "postgres").is_file() {
                    rejected.push(format!("{}: {reason}", folder.display()));
                }
                None
            }
        };
        let path = set("PATH").unwrap_or_default();
        let first = env::split_paths(&path).find_map(&mut usable);
        let newest = || {
            let found = usual.iter().flat_map(|pattern| expand(pattern));
            found.filter_map(usable).max_by_key(Self::version)
        };
        first.or_else(newest).ok_or_else(|| Error::NotFound {
            looked: ["the folders of PATH".to_owned()]
                .into_iter()
                .chain(usual.iter().map(|place| place.display().to_string()))
                .collect(),
            rejected,
        })
    }

    /// The installation in `bin`, or what is wrong with it.
    fn at(bin: &Path) -> Result<Self, String> {
        for name in ["postgres", "initdb", "pg_ctl"] {
            let wanted = program(bin, name);
            if !wanted.is_file() {
                return Err(format!("there is no {name}{EXE_SUFFIX} in it"));
            }
        }
        let output = Command::new(program(bin, "postgres"))
            .arg("--version")
            .output()
            .map_err(|error| format!("postgres --version fails: {error}"))?;
        let said = String::from_utf8_lossy(&output.stdout);
        let version = parse_version(&said)
            .ok_or_else(|| format!("postgres --version says {:?}", said.trim()))?;
        if version.0 < OLDEST {
            let (major, minor) = version;
            return Err(format!(
                "PostgreSQL {major}.{minor} is too old, {OLDEST} is the oldest we use"
            ));
        }
        // The server's working folder is another one: a relative path would not hold there.
        let bin = std::path::absolute(bin).map_err(|error| error.to_string())?;
        Ok(Self { bin, version })
    }

    /// The newest of each major version where this system usually has them, the oldest first.
    pub fn all(lookup: &dyn Fn(&str) -> Option<OsString>) -> Vec<Self> {
        let places = usual_places(lookup);
        let folders = places.iter().flat_map(|pattern| expand(pattern));
        let mut found: Vec<_> = folders.filter_map(|folder| Self::at(&folder).ok()).collect();
        found.sort_by_key(|it| std::cmp::Reverse(it.version));
        found.dedup_by_key(|it| it.version.0);
        found.reverse();
        found
    }

    /// The folder of its programs.
    pub fn bin(&self) -> &Path {
        &self.bin
    }

    /// Its major and minor version.
    pub fn version(&self) -> (u32, u32) {
        self.version
    }

    /// The path of one of its programs, such as `psql`. When it is not beside the server
    /// (Debian links only some into `PATH`), the bare name, for `PATH` to find.
    pub fn program(&self, name: &str) -> PathBuf {
        let path = program(&self.bin, name);
        if path.is_file() { path } else { name.into() }
    }
}

fn program(bin: &Path, name: &str) -> PathBuf {
    bin.join(format!("{name}{EXE_SUFFIX}"))
}

/// Reads `postgres (PostgreSQL) 15.4 (Debian 15.4-1)`; a beta, `18beta1`, counts as 18.0.
fn parse_version(said: &str) -> Option<(u32, u32)> {
    let number = |text: &str| {
        let end = text.find(|c: char| !c.is_ascii_digit());
        text[..end.unwrap_or(text.len())].parse().ok()
    };
    let word =
        said.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let minor = word.split_once('.').and_then(|(_, minor)| number(minor));
    Some((number(word)?, minor.unwrap_or(0)))
}

/// Where packages put PostgreSQL, with `*` for its version.
fn usual_places(lookup: &dyn Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let places: &[&str] = match OS {
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
    places.iter().map(PathBuf::from).collect()
}

/// The folders that match `pattern`, which has one `*`, at the end of a component.
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
