//! Recognises a dump by its content, independent of its name.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};

use crate::{archive, script, tool::major_of, versions::Versions};

/// The first bytes of gzip and zstd files.
const COMPRESSED: [&[u8]; 2] = [&[0x1f, 0x8b], &[0x28, 0xb5, 0x2f, 0xfd]];
/// The number of bytes that contain the versions.
const BEGINNING: u64 = 4096;

/// A function that returns the content of a compressed file.
pub type Unpack = fn(&Path) -> anyhow::Result<Box<dyn Read + Send>>;

/// A dump file.
pub struct Dump {
    path: PathBuf,
    unpack: Option<Unpack>,
    pub(crate) kind: Kind,
    /// The versions of the programs that wrote the dump, if known.
    pub versions: Option<Versions>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A dump for `pg_restore`.
    Archive,
    /// A dump for `psql`.
    Script,
}

impl Dump {
    /// Reads the beginning of a file and detects its format.
    ///
    /// # Errors
    /// Fails if the file cannot be read or is not a dump.
    pub fn open(path: &Path, unpack: Unpack) -> anyhow::Result<Self> {
        let mut dump =
            Self { path: path.to_owned(), unpack: None, kind: Kind::Archive, versions: None };
        let packed = dump.beginning()?;
        ensure!(!packed.is_empty(), "{} is empty", path.display());
        dump.unpack = COMPRESSED.iter().any(|magic| packed.starts_with(magic)).then_some(unpack);
        let beginning = dump.beginning()?;
        let text = String::from_utf8_lossy(&beginning);
        if beginning.starts_with(archive::MAGIC) {
            dump.versions = archive::versions(&beginning);
        } else if script::is_script(&text) {
            dump.kind = Kind::Script;
            dump.versions = script::versions(&text);
        } else if beginning.get(257..262) == Some(b"ustar") {
            bail!("{} is a tar file. Create the dump as .dump or .sql.", path.display());
        } else {
            bail!("{} was not written by pg_dump", path.display());
        }
        Ok(dump)
    }

    /// Checks that the dump is not newer than `ours`, the major version that loads it.
    ///
    /// # Errors
    /// Fails if a newer `pg_dump` wrote the dump.
    pub fn check_version(&self, ours: u32) -> anyhow::Result<()> {
        let Some(versions) = &self.versions else { return Ok(()) };
        let theirs = major_of(&versions.pg_dump).unwrap_or(0);
        ensure!(
            theirs <= ours,
            "{} was written by pg_dump {}, which is newer than PostgreSQL {ours}. \
            Run cargo xtask db upgrade --to {theirs}, or create the dump with pg_dump {ours}.",
            self.path.display(),
            versions.pg_dump,
        );
        Ok(())
    }

    /// Opens the file, if it is not compressed.
    pub(crate) fn plain_file(&self) -> Option<anyhow::Result<File>> {
        self.unpack.is_none().then(|| self.file())
    }

    /// Returns the uncompressed content.
    pub(crate) fn read(&self) -> anyhow::Result<Box<dyn Read + Send>> {
        match self.unpack {
            Some(unpack) => unpack(&self.path),
            None => Ok(Box::new(self.file()?)),
        }
    }

    fn file(&self) -> anyhow::Result<File> {
        File::open(&self.path).with_context(|| format!("cannot read {}", self.path.display()))
    }

    fn beginning(&self) -> anyhow::Result<Vec<u8>> {
        let mut beginning = Vec::new();
        let read = self.read()?.take(BEGINNING).read_to_end(&mut beginning);
        read.with_context(|| {
            format!("cannot read {}, which may be truncated", self.path.display())
        })?;
        Ok(beginning)
    }
}
