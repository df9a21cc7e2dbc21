//! Writes a dump: `pg_dump` does the work, and only a whole file gets the name it shall have.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, bail, ensure};

use crate::tool::{Running, Tools, major};

/// What a dump can be written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// PostgreSQL's own format, compressed.
    Custom,
    /// A script for `psql`.
    Plain,
    /// The same, through gzip.
    Gzip,
    /// The same, through zstd.
    Zstd,
}

impl Format {
    /// The format that the ending of a file's name stands for.
    ///
    /// # Errors
    /// The endings there are.
    pub fn of(file: &Path) -> anyhow::Result<Self> {
        let name = file.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let known = [
            (".dump", Self::Custom),
            (".sql", Self::Plain),
            (".sql.gz", Self::Gzip),
            (".sql.zst", Self::Zstd),
        ];
        let found = known.iter().find(|(ending, _)| name.ends_with(ending));
        let format = found.map(|(_, format)| *format).with_context(|| {
            format!("{name} says no format: end it in .dump, .sql, .sql.gz or .sql.zst")
        })?;
        Ok(format)
    }

    /// What tells `pg_dump` of that major version to write it.
    fn arguments(self, major: u32) -> anyhow::Result<&'static [&'static str]> {
        Ok(match self {
            Self::Custom => &["--format=custom"],
            Self::Plain => &["--format=plain"],
            // Before version 16 a number is all that it takes, and means this.
            Self::Gzip => &["--format=plain", "--compress=6"],
            Self::Zstd if major < 16 => {
                bail!("pg_dump {major} cannot write zstd: end the name in .sql.gz or .dump")
            }
            Self::Zstd => &["--format=plain", "--compress=zstd"],
        })
    }
}

/// Writes the database into `file`, in the format that its ending says, and returns the file's size in
/// bytes. Owners and rights are left out: who loads it owns it.
///
/// # Errors
/// There is such a file already, or it could not be written whole; then there is none of that name.
pub fn dump(tools: Tools, database: &str, file: &Path) -> anyhow::Result<u64> {
    let format = Format::of(file)?;
    ensure!(!file.exists(), "{} is there already: choose another name", file.display());
    let format = format.arguments(major(tools, "pg_dump")?)?;
    let mut partial = Partial::create(file)?;
    let mut command = tools("pg_dump");
    command.args(format).args(["--no-owner", "--no-privileges", "--dbname", database]);
    let mut dumping =
        Running::start("pg_dump", command.stdin(Stdio::null()).stdout(Stdio::piped()))?;
    let mut output = dumping.child.stdout.take().expect("it is a pipe");
    let size = io::copy(&mut output, &mut partial.file)
        .with_context(|| format!("cannot write {}", file.display()))?;
    dumping.finish()?;
    partial.keep(file)?;
    Ok(size)
}

/// A file under another name, removed unless it is kept.
struct Partial {
    file: File,
    path: PathBuf,
}

impl Partial {
    fn create(wanted: &Path) -> anyhow::Result<Self> {
        let mut name = wanted.file_name().context("a dump needs a name")?.to_owned();
        name.push(format!(".{}.partial", std::process::id()));
        let path = wanted.with_file_name(name);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        // Everything of the database is in it.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path);
        let file = file.with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { file, path })
    }

    /// Gives it its name, once all of it is on the disk.
    fn keep(&self, wanted: &Path) -> anyhow::Result<()> {
        let keep = || {
            self.file.sync_all()?;
            fs::rename(&self.path, wanted)
        };
        keep().with_context(|| format!("cannot write {}", wanted.display()))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // Where it was kept, there is none of this name.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_says_the_format() {
        let of = |name: &str| Format::of(Path::new(name)).ok();
        assert_eq!(of("a.dump"), Some(Format::Custom));
        assert_eq!(of("a/b.SQL"), Some(Format::Plain));
        assert_eq!(of("b.sql.gz"), Some(Format::Gzip));
        assert_eq!(of("b.sql.zst"), Some(Format::Zstd));
        assert_eq!(of("b.gz"), None);
    }

    #[test]
    fn an_old_pg_dump_is_not_asked_for_zstd() {
        assert!(Format::Zstd.arguments(15).is_err());
        assert!(Format::Zstd.arguments(16).is_ok());
    }
}
