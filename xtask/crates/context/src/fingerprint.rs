//! Detects changes of files by a hash of their contents.

use std::{
    env, fs,
    hash::Hasher,
    io,
    path::{Path, PathBuf},
};

use anyhow::Context;
use local_postgres::Fnv1a;

use crate::{project::Project, state::Fingerprints};

/// Returns a hash of the names and contents of `paths`. Folders include all files in them.
pub fn of_files(root: &Path, paths: &[&str]) -> anyhow::Result<u64> {
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

/// Returns the fingerprints of the source, images and settings of the stack.
pub fn of_stack(project: &Project) -> anyhow::Result<Fingerprints> {
    let of = |paths: &[&str]| of_files(&project.root, paths);
    let source = [
        "Cargo.toml",
        "Cargo.lock",
        "rust-toolchain.toml",
        ".cargo",
        "crates",
        "xtask/crates/dev-server",
    ];
    let images = [
        "docker/Dockerfile",
        "docker/nginx",
        "docker/rust-target.sh",
        "docker/with-extra-ca.sh",
        ".dockerignore",
    ];
    let settings =
        [".env", "compose.yaml", "docker/compose.yaml", "docker/compose.production.yaml"];
    // The fingerprint includes shell variables, because they override .env.
    let shell = shell_settings(project)?;
    Ok(Fingerprints {
        source: of(&source)?,
        images: of(&images)?,
        settings: of(&settings)? ^ Fnv1a::of(shell.as_bytes()),
    })
}

fn shell_settings(project: &Project) -> anyhow::Result<String> {
    let example =
        fs::read_to_string(project.path(".env.example")).context("cannot read .env.example")?;
    let names = example
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='));
    Ok(names.filter_map(|(name, _)| Some(format!("{name}={}\n", env::var(name).ok()?))).collect())
}
