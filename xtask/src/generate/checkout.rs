//! What is in the checkout already: what a resource may refer to, and what it must not be called.

use std::{fs, path::Path};

use anyhow::Context;

use super::{Field, Kind, Names};

/// What the API is about, and what it stands on.
const API: &str = "crates/api/src";
const WEB: &str = "crates/web/src";
/// What the statements stand on: `db` has modules of these names as well.
const STORE: &str = "crates/store/src";

/// The files that say which names are taken.
pub(super) struct Checkout {
    /// Paths from the root, with their texts.
    files: Vec<(String, String)>,
    /// The number of the next migration.
    pub(super) next_version: usize,
}

/// A resource that another refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parent {
    /// Its table.
    pub(super) things: String,
    /// What one is called.
    pub(super) one: String,
    /// Whether it is the resource itself.
    pub(super) is_self: bool,
    /// Its path, and the operation that deletes one.
    pub(super) path: String,
    pub(super) delete: String,
    /// How a test gets one; an expression with `app`.
    pub(super) create: &'static str,
}

impl Checkout {
    pub(super) fn read(root: &Path) -> anyhow::Result<Self> {
        let mut files = Vec::new();
        for folder in ["crates/db/migrations", "crates/db/src", STORE, WEB, API, "tests/e2e"] {
            collect(root, folder, &mut files)?;
        }
        for file in ["crates/db/Cargo.toml", "crates/api/Cargo.toml", "tests/Cargo.toml"] {
            let text = fs::read_to_string(root.join(file)).with_context(|| file.to_owned())?;
            files.push((file.to_owned(), text));
        }
        Ok(Self::new(files))
    }

    pub(super) fn new(files: Vec<(String, String)>) -> Self {
        let number = |(path, _): &(String, String)| {
            let name = path.strip_prefix("crates/db/migrations/V")?;
            name.split_once("__")?.0.parse::<usize>().ok()
        };
        let next_version = files.iter().filter_map(number).max().unwrap_or(0) + 1;
        Self { files, next_version }
    }

    fn text(&self, path: &str) -> Option<&str> {
        self.files.iter().find(|(other, _)| other == path).map(|(_, text)| text.as_str())
    }

    fn below<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = &'a (String, String)> {
        self.files.iter().filter(move |(path, _)| path.starts_with(folder))
    }

    fn has_table(&self, name: &str) -> bool {
        let table = format!("CREATE TABLE {name} (");
        self.below("crates/db/migrations/").any(|(_, text)| text.contains(&table))
    }

    /// Every name of the resource that is taken.
    pub(super) fn problems(&self, names: &Names, fields: &[Field]) -> Vec<String> {
        let mut problems = Vec::new();
        let things = names.things();
        if self.has_table(&things) {
            problems.push(format!("there is a table `{things}` already"));
        }
        for folder in ["crates/db/src", STORE, API, "tests/e2e"] {
            let path = format!("{folder}/{things}.rs");
            if self.text(&path).is_some() {
                problems.push(format!("there is {path} already"));
            }
        }
        for manifest in ["crates/db/Cargo.toml", "crates/api/Cargo.toml", "tests/Cargo.toml"] {
            let lines = self.text(manifest).unwrap_or_default().lines();
            if lines.map(|line| line.split(['.', ' ']).next()).any(|it| it == Some(&things)) {
                problems.push(format!("`{things}` is a crate that {manifest} uses"));
            }
        }
        let thing = names.thing_type();
        let mut types = ["", "Create", "Update"].map(|before| format!("{before}{thing}")).to_vec();
        types.push(format!("{thing}Page"));
        for field in fields.iter().filter(|field| matches!(field.kind, Kind::Enum(_))) {
            let name = field.enum_type(names);
            let is_module = matches!(field.name.as_str(), "create" | "types" | "update");
            if is_module || types.contains(&name) || name == format!("{thing}Response") {
                problems
                    .push(format!("`{}`: the code needs this name for something else", field.name));
            }
            types.push(name);
        }
        problems.extend(types.iter().filter_map(|name| {
            let mut files = self.below(API).chain(self.below(WEB));
            let (path, _) = files.find(|(_, text)| has_type(text, name))?;
            Some(format!("there is a type `{name}` already, in {path}"))
        }));
        problems
    }

    /// The resource that `ref(things)` refers to.
    ///
    /// # Errors
    /// There is no such resource, or its tests do not tell how to make one.
    pub(super) fn parent(&self, things: &str, names: Option<&Names>) -> Result<Parent, String> {
        if let Some(names) = names.filter(|names| names.things() == things) {
            return Ok(Parent {
                things: things.to_owned(),
                one: names.one(),
                is_self: true,
                path: format!("/{}", names.path()),
                delete: format!("delete{}", names.thing_type()),
                create: "create(app).await",
            });
        }
        let paths = [API, WEB].map(|folder| format!("{folder}/{things}.rs"));
        let source = paths.iter().find_map(|path| Some((path, self.text(path)?)));
        let source = source.filter(|_| self.has_table(things));
        let (file, source) = source.ok_or_else(|| {
            format!(
                "there is no resource `{things}`: ref(RESOURCE) takes a plural, such as persons"
            )
        })?;
        let (path, thing) =
            delete(source).ok_or_else(|| format!("{file} has no operation that deletes one"))?;
        let tests = self.text(&format!("tests/e2e/{things}.rs")).unwrap_or_default();
        let create = match () {
            () if tests.contains("pub(crate) async fn create(app: &TestApp) -> Value") => {
                "create(app).await"
            }
            () if tests
                .contains("pub(crate) async fn create(app: &TestApp, name: &str) -> Value") =>
            {
                "create(app, \"Ada Lovelace\").await"
            }
            () if tests.contains(
                "pub(crate) async fn sign_up(app: &TestApp, email: &str) -> Response",
            ) =>
            {
                "sign_up(app, &format!(\"{}@example.com\", Uuid::new_v4())).await"
            }
            () => {
                return Err(format!(
                    "the tests need one: write `pub(crate) async fn create(app: &TestApp) -> Value` \
                     into tests/e2e/{things}.rs"
                ));
            }
        };
        let mut one = String::new();
        for letter in thing.chars() {
            if letter.is_uppercase() && !one.is_empty() {
                one.push(' ');
            }
            one.extend(letter.to_lowercase());
        }
        let (things, delete) = (things.to_owned(), format!("delete{thing}"));
        Ok(Parent { things, one, is_self: false, path, delete, create })
    }
}

/// The path of a resource and the type of one, by the operation that deletes it.
fn delete(source: &str) -> Option<(String, String)> {
    let line = source.lines().find(|line| line.contains("operation_id = \"delete"))?;
    let value = |key: &str| {
        let (_, rest) = line.split_once(&format!("{key} = \""))?;
        rest.split_once('"').map(|(value, _)| value)
    };
    let path = value("path")?.strip_suffix("/:id")?;
    Some((path.to_owned(), value("operation_id")?.strip_prefix("delete")?.to_owned()))
}

/// Whether the API's document knows a type by this name.
fn has_type(text: &str, name: &str) -> bool {
    let lines: Vec<_> = text.lines().collect();
    (0..lines.len()).filter(|number| lines[*number].contains(name)).any(|number| {
        let mut words = lines[number].split(|it: char| !it.is_alphanumeric() && it != '_');
        let is_type = words.any(|word| word == "struct" || word == "enum");
        let above = lines[..number].iter().rev().take_while(|line| !line.is_empty());
        let is_documented = |line: &&str| {
            line.starts_with("#[derive(") && (line.contains("Object") || line.contains("Enum"))
        };
        is_type && words.next() == Some(name) && above.copied().any(|line| is_documented(&line))
    })
}

fn collect(root: &Path, folder: &str, files: &mut Vec<(String, String)>) -> anyhow::Result<()> {
    for entry in fs::read_dir(root.join(folder)).with_context(|| folder.to_owned())? {
        let entry = entry?;
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(root, &path, files)?;
        } else if entry.path().extension().is_some_and(|it| it == "rs" || it == "sql") {
            let text = fs::read_to_string(entry.path()).with_context(|| path.clone())?;
            files.push((path, text));
        }
    }
    Ok(())
}
