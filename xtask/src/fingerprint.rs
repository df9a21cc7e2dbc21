//! Whether anything changed: a hash over the content of files.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// A hash (FNV-1a) over the names and contents of `paths`, folders taken whole.
pub(crate) fn of_files(root: &Path, paths: &[&str]) -> anyhow::Result<u64> {
    let mut files = Vec::new();
    for path in paths {
        collect(&root.join(path), &mut files)?;
    }
    files.sort();
    let mut hash = EMPTY;
    for file in files {
        hash = more(hash, file.strip_prefix(root)?.as_os_str().as_encoded_bytes());
        hash = more(hash, &fs::read(&file)?);
    }
    Ok(hash)
}

/// A hash (FNV-1a) of `bytes`, the same for every version of Rust.
pub(crate) fn of_bytes(bytes: &[u8]) -> u64 {
    more(EMPTY, bytes)
}

const EMPTY: u64 = 0xcbf2_9ce4_8422_2325;

fn more(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !path.is_dir() {
        if path.exists() {
            files.push(path.to_owned());
        }
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        collect(&entry?.path(), files)?;
    }
    Ok(())
}
