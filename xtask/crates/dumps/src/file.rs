//! A dump that somebody has: recognised by what is in it, whatever it is called.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};

use crate::{archive, script, tool::major_of, versions::Versions};

/// What files begin with that gzip or zstd has compressed.
const COMPRESSED: [&[u8]; 2] = [&[0x1f, 0x8b], &[0x28, 0xb5, 0x2f, 0xfd]];
/// Enough of a dump to see what made it.
const BEGINNING: u64 = 4096;

/// Returns the content of a compressed file.
pub type Unpack = fn(&Path) -> anyhow::Result<Box<dyn Read + Send>>;

/// A file that is a dump.
pub struct Dump {
    path: PathBuf,
    unpack: Option<Unpack>,
    pub(crate) kind: Kind,
    /// What made it, where it says so.
    pub versions: Option<Versions>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// For `pg_restore`.
    Archive,
    /// For `psql`.
    Script,
}

impl Dump {
    /// Looks at the beginning of a file.
    ///
    /// # Errors
    /// It cannot be read, or is no dump; it says what it seems to be.
    pub fn open(path: &Path, unpack: Unpack) -> anyhow::Result<Self> {
        let mut dump =
            Self { path: path.to_owned(), unpack: None, kind: Kind::Archive, versions: None };
        let packed = dump.beginning()?;
        ensure!(!packed.is_empty(), "{} is empty", path.display());
        dump.unpack = COMPRESSED.iter().any(|it| packed.starts_with(it)).then_some(unpack);
        let beginning = dump.beginning()?;
        let text = String::from_utf8_lossy(&beginning);
        if beginning.starts_with(archive::MAGIC) {
            dump.versions = archive::versions(&beginning);
        } else if script::is_script(&text) {
            dump.kind = Kind::Script;
            dump.versions = script::versions(&text);
        } else if beginning.get(257..262) == Some(b"ustar") {
            bail!("{} is a tar file: dump it anew as .dump or .sql", path.display());
        } else {
            bail!("{} is no dump that pg_dump wrote", path.display());
        }
        Ok(dump)
    }

    /// Fails if what made the dump is newer than the tools that shall load it.
    ///
    /// # Errors
    /// Both versions, and what to do.
    pub fn check_version(&self, ours: u32) -> anyhow::Result<()> {
        let Some(versions) = &self.versions else { return Ok(()) };
        let theirs = major_of(&versions.pg_dump).unwrap_or(0);
        ensure!(
            theirs <= ours,
            "{} was written by pg_dump {}, and PostgreSQL {ours} does not read what a newer one \
            wrote: `cargo xtask db upgrade --to {theirs}`, or have it dumped by pg_dump {ours}",
            self.path.display(),
            versions.pg_dump,
        );
        Ok(())
    }

    /// The file itself, if it is not compressed.
    pub(crate) fn plain_file(&self) -> Option<anyhow::Result<File>> {
        self.unpack.is_none().then(|| self.file())
    }

    /// What is in it.
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
        read.with_context(|| format!("cannot read {}: is it cut off?", self.path.display()))?;
        Ok(beginning)
    }
}
