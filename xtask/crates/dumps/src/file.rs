//! A dump that somebody has: recognised by what is in it, whatever it is called.

use std::{
    fs::File,
    io::{BufReader, Read},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};
use flate2::read::MultiGzDecoder;
use ruzstd::decoding::StreamingDecoder;

use crate::{archive, script, tool::major_of, versions::Versions};

/// Enough of a dump to see what made it.
const BEGINNING: u64 = 4096;

/// A file that is a dump.
pub struct Dump {
    path: PathBuf,
    compression: Compression,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compression {
    None,
    Gzip,
    Zstd,
}

impl Dump {
    /// Looks at the beginning of a file.
    ///
    /// # Errors
    /// It cannot be read, or is no dump; it says what it seems to be.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let mut dump = Self {
            path: path.to_owned(),
            compression: Compression::None,
            kind: Kind::Archive,
            versions: None,
        };
        let packed = dump.beginning()?;
        ensure!(!packed.is_empty(), "{} is empty", path.display());
        dump.compression = match packed.as_slice() {
            [0x1f, 0x8b, ..] => Compression::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Compression::Zstd,
            _ => Compression::None,
        };
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
        (self.compression == Compression::None).then(|| self.file())
    }

    /// What is in it.
    pub(crate) fn read(&self) -> anyhow::Result<Box<dyn Read + Send>> {
        let file = BufReader::with_capacity(1 << 17, self.file()?);
        Ok(match self.compression {
            Compression::None => Box::new(file),
            Compression::Gzip => Box::new(MultiGzDecoder::new(file)),
            Compression::Zstd => Box::new(
                StreamingDecoder::new(file)
                    .map_err(|error| anyhow::anyhow!("{}: {error}", self.path.display()))?,
            ),
        })
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
