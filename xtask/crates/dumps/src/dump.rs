//! Writes a dump with `pg_dump`. Only a complete dump gets its final name.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, bail, ensure};

use crate::tool::{Running, Tools, major};

/// The file format of a dump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// PostgreSQL's own format, which is compressed.
    Custom,
    /// A script for `psql`.
    Plain,
    /// A script for `psql`, compressed with gzip.
    Gzip,
    /// A script for `psql`, compressed with zstd.
    Zstd,
}

impl Format {
    /// Returns the format for the extension of `file`.
    ///
    /// # Errors
    /// Fails if the extension is unknown, with a list of all extensions.
    pub fn of(file: &Path) -> anyhow::Result<Self> {
        let name = file.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let known = [
            (".dump", Self::Custom),
            (".sql", Self::Plain),
            (".sql.gz", Self::Gzip),
            (".sql.zst", Self::Zstd),
        ];
        let found = known.iter().find(|(extension, _)| name.ends_with(extension));
        let format = found.map(|(_, format)| *format).with_context(|| {
            format!("{name} has an unknown extension. Use .dump, .sql, .sql.gz or .sql.zst.")
        })?;
        Ok(format)
    }

    /// Returns the arguments for a `pg_dump` of this major version.
    fn arguments(self, major: u32) -> anyhow::Result<&'static [&'static str]> {
        Ok(match self {
            Self::Custom => &["--format=custom"],
            Self::Plain => &["--format=plain"],
            // Before version 16, `--compress` accepts only a number, and compresses with gzip.
            Self::Gzip => &["--format=plain", "--compress=6"],
            Self::Zstd if major < 16 => {
                bail!("pg_dump {major} cannot write zstd. Use the extension .sql.gz or .dump.")
            }
            Self::Zstd => &["--format=plain", "--compress=zstd"],
        })
    }
}

/// Writes the database to `file` and returns the file's size in bytes.
///
/// The extension of `file` selects the format. The dump contains no owners and privileges.
///
/// # Errors
/// Fails if the file exists or cannot be written completely. A partial file is deleted.
pub fn dump(tools: Tools, database: &str, file: &Path) -> anyhow::Result<u64> {
    let format = Format::of(file)?;
    ensure!(!file.exists(), "{} already exists. Choose another name.", file.display());
    let format = format.arguments(major(tools, "pg_dump")?)?;
    let mut partial = Partial::create(file)?;
    let mut command = tools("pg_dump");
    command.args(format).args(["--no-owner", "--no-privileges", "--dbname", database]);
    let mut dumping =
        Running::start("pg_dump", command.stdin(Stdio::null()).stdout(Stdio::piped()))?;
    let mut output = dumping.child.stdout.take().expect("stdout is piped");
    let size = io::copy(&mut output, &mut partial.file)
        .with_context(|| format!("cannot write {}", file.display()))?;
    dumping.finish()?;
    partial.keep(file)?;
    Ok(size)
}

/// A file with a temporary name. Dropping it deletes the file, unless [`Partial::keep`] was called.
struct Partial {
    file: File,
    path: PathBuf,
}

impl Partial {
    fn create(wanted: &Path) -> anyhow::Result<Self> {
        let mut name =
            wanted.file_name().context("the path of the dump has no file name")?.to_owned();
        name.push(format!(".{}.partial", std::process::id()));
        let path = wanted.with_file_name(name);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        // The mode 0600 lets only the owner read the dump, because the dump contains all data.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path);
        let file = file.with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { file, path })
    }

    /// Flushes the file to the disk and renames it to its final name.
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
        // Errors are ignored, because `keep` has renamed a complete file.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extension_selects_format() {
        let of = |name: &str| Format::of(Path::new(name)).ok();
        assert_eq!(of("a.dump"), Some(Format::Custom));
        assert_eq!(of("a/b.SQL"), Some(Format::Plain));
        assert_eq!(of("b.sql.gz"), Some(Format::Gzip));
        assert_eq!(of("b.sql.zst"), Some(Format::Zstd));
        assert_eq!(of("b.gz"), None);
    }

    #[test]
    fn zstd_requires_pg_dump_16() {
        assert!(Format::Zstd.arguments(15).is_err());
        assert!(Format::Zstd.arguments(16).is_ok());
    }
}
