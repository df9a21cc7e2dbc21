//! What is about to be written: all of it is made first, and then written as a whole or not at all.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, bail};

use super::{Field, Kind, Resource, schema};

mod edits;

/// As `tests/e2e/tidy.rs` has it.
const LONGEST_FILE: usize = 300;

/// New files and changed ones, by their paths from the root.
pub(crate) struct Changes {
    root: PathBuf,
    files: BTreeMap<String, String>,
    /// Which of them are only changed.
    old: BTreeSet<String>,
}

impl Changes {
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), files: BTreeMap::new(), old: BTreeSet::new() }
    }

    pub(crate) fn new_files(&self) -> Vec<&String> {
        self.files.keys().filter(|&path| !self.old.contains(path)).collect()
    }

    pub(crate) fn old_files(&self) -> Vec<&String> {
        self.old.iter().collect()
    }

    #[cfg(test)]
    pub(super) fn files(&self) -> &BTreeMap<String, String> {
        &self.files
    }

    pub(super) fn add(&mut self, path: impl Into<String>, text: impl Into<String>) {
        self.files.insert(path.into(), text.into());
    }

    /// Gives a file that exists another text.
    fn edit(
        &mut self,
        path: &str,
        change: impl FnOnce(&str) -> Option<String>,
    ) -> anyhow::Result<()> {
        let text = match self.files.get(path) {
            Some(text) => text.clone(),
            None => fs::read_to_string(self.root.join(path)).with_context(|| path.to_owned())?,
        };
        let text = change(&text).with_context(|| {
            format!(
                "nothing was written: {path} has no place for the resource as `persons` has one"
            )
        })?;
        self.old.insert(path.to_owned());
        self.add(path, text);
        Ok(())
    }

    /// The lines by which the rest of the code knows of the resource.
    pub(super) fn register(&mut self, resource: &Resource) -> anyhow::Result<()> {
        let names = &resource.names;
        let (thing, things) = (names.thing_type(), names.things());
        let module = format!("mod {things};");
        self.edit(schema::FILE, |text| schema::add(text, resource))?;
        self.edit("crates/db/src/lib.rs", |text| edits::module(text, &format!("pub {module}")))?;
        self.edit("crates/api/src/lib.rs", |text| edits::module(text, &module))?;
        let objects = "crates/api/src/objects.rs";
        if resource.has(|kind| *kind == Kind::Jsonb) && !self.root.join(objects).exists() {
            self.add(objects, include_str!("templates/api_objects.rs.template"));
            self.edit("crates/api/src/lib.rs", |text| edits::module(text, "mod objects;"))?;
        }
        self.edit("tests/e2e/main.rs", |text| edits::module(text, &module))?;
        self.edit("crates/api/src/routes.rs", |text| {
            let api = format!("{}Api", names.things_type());
            edits::route(
                text,
                &format!("{things}::{api}"),
                &format!("{api} {{ database: database.clone() }}"),
            )
        })?;
        self.edit("crates/api/src/audit.rs", |text| edits::audited(text, names))?;
        self.edit("tests/e2e/docs.rs", |text| edits::operations(text, names))?;
        let delete = [format!("delete{thing}")];
        self.edit("tests/e2e/access.rs", |text| edits::list(text, "const FOR_ADMINS", &delete))?;
        let mut conflicting = Vec::new();
        if resource.fields.iter().any(Field::can_conflict) {
            conflicting
                .extend(["create", "replace", "update"].map(|verb| format!("{verb}{thing}")));
        }
        conflicting.extend(resource.fields.iter().filter_map(|field| match &field.kind {
            Kind::Ref(parent) => Some(parent.delete.clone()),
            _ => None,
        }));
        self.edit("crates/api/src/routes.rs", |text| {
            edits::list(text, "const CONFLICTING", &conflicting)
        })
    }

    /// As rustfmt would have it.
    pub(super) fn format(&mut self, root: &Path) -> anyhow::Result<()> {
        for (path, text) in &mut self.files {
            if Path::new(path).extension().is_some_and(|ending| ending == "rs") {
                *text =
                    rustfmt(root, text).with_context(|| format!("nothing was written: {path}"))?;
            }
        }
        Ok(())
    }

    /// # Errors
    /// A file would be longer than `tests/e2e/tidy.rs` lets it be.
    pub(super) fn check_lengths(&self) -> anyhow::Result<()> {
        for (path, text) in self.files.iter().filter(|(path, _)| path.starts_with("crates/")) {
            let lines = text.lines().count();
            if lines > LONGEST_FILE {
                bail!(
                    "nothing was written: {path} would have {lines} lines, and a file of ours has at \
                     most {LONGEST_FILE}: take fewer fields; what is part of it may be a resource of \
                     its own"
                );
            }
        }
        Ok(())
    }

    /// Writes all, or leaves everything as it was.
    pub(crate) fn write(&self, root: &Path) -> anyhow::Result<()> {
        let mut before = Vec::new();
        for (path, text) in &self.files {
            let path = root.join(path);
            before.push((path.clone(), fs::read(&path).ok()));
            let folder = path.parent().context("it lies in the repository")?;
            let written = fs::create_dir_all(folder).and_then(|()| fs::write(&path, text));
            if let Err(error) = written {
                undo(&before);
                return Err(error)
                    .with_context(|| format!("nothing was written: {} cannot be", path.display()));
            }
        }
        Ok(())
    }
}

/// As far as that can be done: the error that led here is what is told.
fn undo(before: &[(PathBuf, Option<Vec<u8>>)]) {
    for (path, text) in before.iter().rev() {
        let _ = match text {
            Some(text) => fs::write(path, text),
            None => fs::remove_file(path),
        };
        // Only where it is empty, and so new.
        let _ = path.parent().map(fs::remove_dir);
    }
}

fn rustfmt(root: &Path, text: &str) -> anyhow::Result<String> {
    let mut child = Command::new("rustfmt")
        .args(["--edition", "2024", "--config-path"])
        .arg(root)
        .current_dir(root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("rustfmt does not start: `rustup component add rustfmt`")?;
    let mut input = child.stdin.take().context("it is piped")?;
    input.write_all(text.as_bytes())?;
    drop(input);
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("rustfmt: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}
