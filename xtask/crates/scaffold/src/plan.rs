//! Plans of file changes, which are applied completely or not at all.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, bail};

use crate::checkout::cannot_read;

/// Files to write and to remove, by path relative to the root.
#[derive(Debug)]
pub struct Plan {
    root: PathBuf,
    /// The new text of each file, or `None` to remove the file.
    files: BTreeMap<String, Option<String>>,
    /// The files that already exist.
    old: BTreeSet<String>,
}

impl Plan {
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), files: BTreeMap::new(), old: BTreeSet::new() }
    }

    /// Returns the path of each file with its kind of change: `wrote`, `changed` or `removed`.
    pub fn steps(&self) -> Vec<(&'static str, &str)> {
        let step = |(path, text): (&_, &Option<String>)| match text {
            None => "removed",
            Some(_) if self.old.contains(path) => "changed",
            Some(_) => "wrote",
        };
        let mut steps: Vec<_> =
            self.files.iter().map(|file| (step(file), file.0.as_str())).collect();
        steps.sort_by_key(|(step, _)| std::cmp::Reverse(*step));
        steps
    }

    /// Returns the planned text of a file.
    pub(crate) fn text(&self, path: &str) -> anyhow::Result<String> {
        match self.files.get(path) {
            Some(text) => Ok(text.clone().unwrap_or_default()),
            None => fs::read_to_string(self.root.join(path)).with_context(|| cannot_read(path)),
        }
    }

    /// Sets the text of a file. Formats Rust files.
    pub(crate) fn add(
        &mut self,
        path: impl Into<String>,
        text: impl Into<String>,
    ) -> anyhow::Result<()> {
        let (path, text) = (path.into(), text.into());
        let is_rust = Path::new(&path).extension().is_some_and(|ending| ending == "rs");
        if self.root.join(&path).exists() {
            self.old.insert(path.clone());
        }
        let text = if is_rust {
            rustfmt(&self.root, &text).with_context(|| format!("cannot format {path}"))?
        } else {
            text
        };
        self.files.insert(path, Some(text));
        Ok(())
    }

    pub(crate) fn remove(&mut self, path: impl Into<String>) {
        self.files.insert(path.into(), None);
    }

    /// Changes an existing file.
    ///
    /// # Errors
    /// `change` returns `None`, because the file does not have the expected form.
    pub(crate) fn edit(
        &mut self,
        path: &str,
        change: impl FnOnce(&str) -> Option<String>,
    ) -> anyhow::Result<()> {
        let text = change(&self.text(path)?);
        let unexpected = || format!("nothing was written, because {path} has an unexpected form");
        self.add(path, text.with_context(unexpected)?)
    }

    /// Writes and removes all files. If an operation fails, restores the files that were already changed.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write(&self) -> anyhow::Result<()> {
        let mut before = Vec::new();
        for (path, text) in &self.files {
            let path = self.root.join(path);
            before.push((path.clone(), fs::read(&path).ok()));
            let folder = path.parent().context("the path does not have a parent folder")?;
            let done = match text {
                Some(text) => fs::create_dir_all(folder).and_then(|()| fs::write(&path, text)),
                None => fs::remove_file(&path),
            };
            if let Err(error) = done {
                undo(&before);
                return Err(error).with_context(|| {
                    format!("nothing was written: cannot write {}", path.display())
                });
            }
        }
        for (path, _) in self.files.iter().filter(|(_, text)| text.is_none()) {
            remove_empty_folders(&self.root, path);
        }
        Ok(())
    }
}

/// Removes the empty parent folders of a file.
fn remove_empty_folders(root: &Path, path: &str) {
    let folders =
        Path::new(path).ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
    for folder in folders {
        if fs::remove_dir(root.join(folder)).is_err() {
            return;
        }
    }
}

/// Restores files. Ignores errors, because the caller reports the original error.
fn undo(before: &[(PathBuf, Option<Vec<u8>>)]) {
    for (path, text) in before.iter().rev() {
        let _ = match text {
            Some(text) => fs::write(path, text),
            None => fs::remove_file(path),
        };
        // This removes only an empty folder. Errors are ignored.
        let _ = path.parent().map(fs::remove_dir);
    }
}

/// Returns the Rust source formatted by rustfmt.
pub(crate) fn rustfmt(root: &Path, text: &str) -> anyhow::Result<String> {
    let mut child = Command::new("rustfmt")
        .args(["--edition", "2024", "--config-path"])
        .arg(root)
        .current_dir(root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot run rustfmt. Install it with `rustup component add rustfmt`.")?;
    child.stdin.take().context("the input is a pipe")?.write_all(text.as_bytes())?;
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("rustfmt: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_write_restores_all_files() {
        let folder = std::env::temp_dir().join(format!("scaffold-plan-{}", std::process::id()));
        let mut plan = Plan::new(&folder);
        for path in ["a/new.txt", "b", "b/is-below-a-file"] {
            plan.add(path, "text").expect("a plan");
        }
        let error = plan.write().expect_err("b is a file").to_string();
        assert!(error.contains("nothing was written"), "{error}");
        fs::remove_dir(&folder).expect("an empty folder");
    }
}
