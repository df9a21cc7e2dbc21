//! The file `.env`. The first `up` creates it from `.env.example`; it is never overwritten.

pub(crate) mod parse;

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::Context;
use local_postgres::Fnv1a;

use crate::report;

/// Returns the path of `.env`.
pub fn path(root: &Path) -> PathBuf {
    root.join(".env")
}

/// Creates `.env` if it does not exist, with a random password and a project name unique to this folder.
pub fn create_if_missing(root: &Path) -> anyhow::Result<()> {
    let path = path(root);
    if path.exists() {
        return Ok(());
    }
    let example =
        fs::read_to_string(root.join(".env.example")).context("cannot read .env.example")?;
    let text = with_value(&example, "POSTGRES_PASSWORD", &password()?);
    let text = with_value(&text, "COMPOSE_PROJECT_NAME", &project_name(root));
    create_private(&path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("cannot write {}", path.display()))?;
    report::note("created .env from .env.example, with a random database password");
    Ok(())
}

/// Sets variables in `.env` and keeps all other lines.
pub fn set(root: &Path, variables: &[(&str, &str)]) -> anyhow::Result<()> {
    let path = path(root);
    let mut text = fs::read_to_string(&path)?;
    for (name, value) in variables {
        text = with_value(&text, name, value);
    }
    // Writes a new file and renames it. The rename is atomic, so an interruption cannot leave a half-written file.
    let new = path.with_file_name(".env.new");
    let write = || {
        // Removes the file that an interrupted command may have left. Errors are ignored.
        let _ = fs::remove_file(&new);
        create_private(&new)?.write_all(text.as_bytes())?;
        keep_mode_and_owner(&path, &new)?;
        fs::rename(&new, &path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// Creates a file that only its owner can access.
fn create_private(path: &Path) -> std::io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn keep_mode_and_owner(of: &Path, new: &Path) -> std::io::Result<()> {
    let known = fs::metadata(of)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt as _, chown};
        // Errors are ignored, because only root can change the owner of a file.
        let _ = chown(new, Some(known.uid()), Some(known.gid()));
    }
    fs::set_permissions(new, known.permissions())
}

/// Returns `text` with the line `name=…` replaced, or added if it is missing.
fn with_value(text: &str, name: &str, value: &str) -> String {
    let is_it = |line: &str| {
        let line = line.trim_start();
        let line = line.strip_prefix("export ").unwrap_or(line);
        line.split_once('=').is_some_and(|(key, _)| key.trim() == name)
    };
    let line = format!("{name}={value}");
    let mut lines: Vec<_> = text.lines().collect();
    match lines.iter().position(|line| is_it(line)) {
        Some(index) => lines[index] = &line,
        None => lines.push(&line),
    }
    lines.join("\n") + "\n"
}

/// Returns a random password of 192 bits as hexadecimal digits, which need no escaping in a URL.
pub fn password() -> anyhow::Result<String> {
    let mut bytes = [0; 24];
    getrandom::fill(&mut bytes)
        .map_err(|error| anyhow::anyhow!("cannot generate a random password: {error}"))?;
    Ok(bytes.map(|byte| format!("{byte:02x}")).concat())
}

/// Returns the folder's name and a hash of its path, so that two checkouts do not share volumes.
pub fn project_name(root: &Path) -> String {
    let folder = root.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let folder: String = folder
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' })
        .collect();
    let folder = folder.trim_matches('-');
    let folder = if folder.is_empty() { "slipway" } else { folder };
    let digits = Fnv1a::of(root.as_os_str().as_encoded_bytes());
    format!("{folder}-{:06x}", digits & 0x00ff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_value_replaces_or_adds_a_line() {
        let text = "# A=0\nA=1\nB=2\n";
        assert_eq!(with_value(text, "A", "3"), "# A=0\nA=3\nB=2\n");
        assert_eq!(with_value(text, "C", "4"), "# A=0\nA=1\nB=2\nC=4\n");
    }

    #[test]
    fn project_name_differs_between_folders_of_the_same_name() {
        let names = ["/home/a/My App", "/home/b/My App"].map(|path| project_name(Path::new(path)));
        assert_ne!(names[0], names[1]);
        assert!(names[0].starts_with("my-app-"), "{}", names[0]);
    }
}
