//! Whether anything changed: a hash over the content of files.

use std::{
    fs,
    hash::Hasher,
    io,
    path::{Path, PathBuf},
};

use local_postgres::Fnv1a;

/// A hash over the names and contents of `paths`, folders taken whole.
pub(crate) fn of_files(root: &Path, paths: &[&str]) -> anyhow::Result<u64> {
    let mut files = Vec::new();
    for path in paths {
        collect(&root.join(path), &mut files)?;
    }
    files.sort();
    let mut hash = Fnv1a::default();
    for file in files {
        hash.write(file.strip_prefix(root)?.as_os_str().as_encoded_bytes());
        hash.write(&fs::read(&file)?);
    }
    Ok(hash.finish())
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
