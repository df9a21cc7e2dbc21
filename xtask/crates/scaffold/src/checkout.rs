//! Reads the existing resources, domains, migrations and names of a checkout.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
use naming::{is_rust_keyword, is_snake_case, quoted, words};
use serde_json::Value;

use crate::{kind::Target, names::singular, request::NewResource, schema::Schema};

pub(crate) const DOMAINS: &str = "crates/domains";
pub(crate) const TESTS: &str = "tests/e2e";
/// The number of resources after which a new domain is created. Large domains compile slowly.
const MOST_RESOURCES: usize = 3;
/// The paths that the server serves and that the OpenAPI document does not list.
const PAGES: [&str; 4] = ["docs", "metrics", "openapi.json", "reload"];
/// The crates that come with Rust.
const STANDARD: [&str; 5] = ["alloc", "core", "proc_macro", "std", "test"];

/// The state of a checkout before a command changes it.
pub(crate) struct Checkout {
    pub(crate) root: PathBuf,
    /// The migrations, sorted by number.
    pub(crate) migrations: Vec<Migration>,
    pub(crate) schema: Schema,
    document: Value,
    /// The names of the domains, sorted.
    domains: Vec<String>,
    packages: Vec<String>,
    /// The text of the source files of all domains.
    sources: String,
}

pub(crate) struct Migration {
    pub(crate) number: i32,
    pub(crate) name: String,
    pub(crate) text: String,
    /// The arguments of `new resource`, if that command wrote the migration.
    pub(crate) request: Option<NewResource>,
}

/// The resource under whose path another resource is nested.
#[derive(Debug, Clone)]
pub(crate) struct Parent {
    pub(crate) table: String,
    pub(crate) one: String,
    pub(crate) path: String,
    /// The column and the path parameter: `person_id`.
    pub(crate) column: String,
}

/// The domain of a new resource.
pub struct Domain {
    /// The name of the crate.
    pub name: String,
    /// True if the crate has to be created.
    pub is_new: bool,
    /// The reason for the choice, as a phrase.
    pub reason: String,
}

pub(crate) fn cannot_read(path: &str) -> String {
    format!("cannot read {path}")
}

impl Checkout {
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        let read =
            |path: &str| fs::read_to_string(root.join(path)).with_context(|| cannot_read(path));
        let mut migrations = Vec::new();
        for file in migration_files::files(root) {
            if let Some((number, name)) = migration_files::parse(&file) {
                let text = read(&format!("{}/{file}", migration_files::FOLDER))?;
                let (name, request) = (name.to_owned(), NewResource::read(&text));
                migrations.push(Migration { number, name, text, request });
            }
        }
        migrations.sort_by_key(|migration| migration.number);
        let document = read("openapi.json")?;
        let document = serde_json::from_str(&document)
            .context("openapi.json is not valid JSON. Run cargo xtask openapi.")?;
        let lock = read("Cargo.lock")?;
        let packages =
            lock.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
        let packages = packages.map(|name| name.replace('-', "_")).collect();
        let mut domains = Vec::new();
        for entry in fs::read_dir(root.join(DOMAINS)).with_context(|| cannot_read(DOMAINS))? {
            let entry = entry?;
            if entry.path().join("src/lib.rs").exists() {
                domains.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        domains.sort();
        let mut sources = String::new();
        for domain in &domains {
            for entry in fs::read_dir(root.join(DOMAINS).join(domain).join("src"))? {
                sources += &fs::read_to_string(entry?.path()).unwrap_or_default();
            }
        }
        let schema = Schema::new(&read(crate::schema::FILE)?);
        Ok(Self { root: root.to_owned(), migrations, schema, document, domains, packages, sources })
    }

    pub(crate) fn read_file(&self, path: &str) -> anyhow::Result<String> {
        fs::read_to_string(self.root.join(path)).with_context(|| cannot_read(path))
    }

    pub(crate) fn exists(&self, path: &str) -> bool {
        self.root.join(path).exists()
    }

    pub(crate) fn next_number(&self) -> i32 {
        self.migrations.last().map_or(0, |last| last.number) + 1
    }

    /// Returns whether `openapi.json` has a schema of this name, or would have one if it were generated now.
    pub(crate) fn has_schema(&self, name: &str) -> bool {
        // A macro of the resource kit also creates the types `Book`, `UpdateBook` and others from `CreateBook`.
        let base = name.strip_prefix("Create").or(name.strip_prefix("Update")).unwrap_or(name);
        let declares = |text: &str| self.sources.contains(text);
        self.document["components"]["schemas"].get(name).is_some()
            || [base, base.strip_suffix("Page").unwrap_or(base)]
                .iter()
                .any(|base| declares(&format!("(crate) struct Create{base} ")))
            || (name != "Tag" && declares(&format!("(crate) enum {name} ")))
    }

    /// Returns the domain and the source path of a resource.
    pub(crate) fn source(&self, things: &str) -> Option<(&str, String)> {
        self.domains.iter().find_map(|domain| {
            let path = format!("{DOMAINS}/{domain}/src/{things}.rs");
            self.exists(&path).then_some((domain.as_str(), path))
        })
    }

    /// Returns the path of a resource's test file.
    pub(crate) fn test(&self, things: &str) -> String {
        let own = format!("{TESTS}/{things}_resource.rs");
        if self.exists(&own) { own } else { format!("{TESTS}/{things}.rs") }
    }

    /// Returns the number of resources in a domain.
    fn resources(&self, domain: &str) -> usize {
        let files = fs::read_dir(self.root.join(DOMAINS).join(domain).join("src"))
            .into_iter()
            .flatten()
            .flatten();
        let is_source = |path: &Path| path.extension().is_some_and(|it| it == "rs");
        files.filter(|file| is_source(&file.path())).count().saturating_sub(1)
    }

    /// Returns the target of `ref(things)` or `many(things)`.
    pub(crate) fn target(&self, things: &str) -> Result<Target, String> {
        if !self.schema.has_table(things) {
            let hint = self.schema.hint(things);
            return Err(format!("there is no resource `{things}`. {hint}"));
        }
        Ok(Target { table: things.to_owned(), one: self.one(things), is_self: false })
    }

    /// Returns the parent that `--under things` names.
    pub(crate) fn parent(&self, things: &str) -> Result<Parent, String> {
        let Target { table, one, .. } = self.target(things)?;
        let path = things.replace('_', "-");
        let end = format!("/{path}/{{");
        let paths = self.document["paths"].as_object().into_iter().flatten();
        if self.source(things).is_none()
            && !paths.map(|(path, _)| path).any(|path| path.contains(&end))
        {
            return Err(format!("openapi.json does not list a path /{path}/{{id}} to nest under"));
        }
        let column = format!("{}_id", one.replace(' ', "_").to_lowercase());
        Ok(Parent { table, one, path, column })
    }

    /// Returns the noun for one row of a table: `order line`.
    fn one(&self, things: &str) -> String {
        let mut requests =
            self.migrations.iter().filter_map(|migration| migration.request.as_ref());
        let written =
            requests.find(|request| request.plural() == things).map(|request| words(&request.name));
        written.or_else(|| self.one_of_document(things)).unwrap_or_else(|| words(&singular(things)))
    }

    /// Returns `person` for `/persons/{id}` with the operation `getPerson`.
    fn one_of_document(&self, things: &str) -> Option<String> {
        let path = format!("/{}/{{id}}", things.replace('_', "-"));
        let operations = self.document["paths"][path].as_object()?;
        let id = operations.values().next()?["operationId"].as_str()?;
        let name = id.trim_start_matches(|it: char| it.is_lowercase());
        let mut one = String::new();
        for letter in name.chars() {
            if letter.is_uppercase() && !one.is_empty() {
                one.push(' ');
            }
            one.extend(letter.to_lowercase());
        }
        Some(one)
    }

    /// Returns the newest request with this singular or plural name, and its migration.
    pub(crate) fn request(&self, name: &str) -> Option<(&Migration, &NewResource)> {
        self.migrations.iter().rev().find_map(|migration| {
            let request = migration.request.as_ref()?;
            (request.name == name || request.plural() == name).then_some((migration, request))
        })
    }

    /// Chooses the domain for a resource.
    ///
    /// # Errors
    /// The name of the domain cannot be used as the name of a new crate.
    pub(crate) fn domain(&self, asked: Option<&str>, things: &str) -> Result<Domain, String> {
        let found = |name: &str, reason: String| {
            Ok(Domain {
                name: name.to_owned(),
                is_new: !self.domains.iter().any(|it| it == name),
                reason,
            })
        };
        if let Some(name) = asked {
            if !self.domains.iter().any(|domain| domain == name) {
                self.check_domain(name)?;
            }
            return found(name, "as requested".to_owned());
        }
        let newest = self.migrations.iter().rev().find_map(|migration| {
            self.source(&migration.request.as_ref()?.plural()).map(|(domain, _)| domain)
        });
        let sample = || self.domains.iter().map(String::as_str).find(|name| *name == "people");
        let last = newest.or_else(sample).or_else(|| self.domains.first().map(String::as_str));
        let full = match last {
            Some(last) if self.resources(last) < MOST_RESOURCES => {
                return found(last, "the most recently used domain".to_owned());
            }
            Some(last) => {
                format!("a new domain, because `{last}` has {} resources", self.resources(last))
            }
            None => "the first domain".to_owned(),
        };
        let names = ["", "_domain"].map(|end| format!("{things}{end}"));
        let free = names.iter().find(|name| self.check_domain(name).is_ok());
        let free =
            free.ok_or_else(|| format!("`{things}` cannot be a crate name. Pass --domain NAME."))?;
        found(free, full)
    }

    fn check_domain(&self, name: &str) -> Result<(), String> {
        if !is_snake_case(name) || is_rust_keyword(name) {
            return Err(format!(
                "--domain: `{name}` cannot be a crate name. Use lower-case letters, digits and `_`, such as `library`; \
                 keywords are not allowed."
            ));
        }
        if STANDARD.contains(&name)
            || self.packages.iter().any(|package| package == name)
            || self.exists(&format!("{DOMAINS}/{name}"))
        {
            return Err(format!("--domain: a crate `{name}` already exists. Choose another name."));
        }
        Ok(())
    }

    /// Returns whether the server has a path with this first segment.
    pub(crate) fn has_path(&self, segment: &str) -> bool {
        let first = |path: &str| path.split('/').nth(1) == Some(segment);
        let mut paths = self.document["paths"].as_object().into_iter().flatten();
        PAGES.contains(&segment) || paths.any(|(path, _)| first(path))
    }

    /// Returns the path for the test file of a new resource. Avoids the names of existing tests.
    pub(crate) fn new_test(&self, things: &str) -> String {
        let path = format!("{TESTS}/{things}.rs");
        if self.exists(&path) { format!("{TESTS}/{things}_resource.rs") } else { path }
    }

    /// Returns whether a query of the migration names the table.
    pub(crate) fn mentions(migration: &Migration, table: &str) -> bool {
        let lines = migration.text.lines().filter(|line| !line.trim_start().starts_with("--"));
        let is_word = |it: char| !it.is_alphanumeric() && it != '_';
        lines
            .flat_map(|line| line.split(is_word))
            .any(|word| word == table || quoted(word) == table)
    }
}
