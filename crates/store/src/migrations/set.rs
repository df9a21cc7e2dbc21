//! A set of migrations, and how it compares with a database's history.

use migration_files::{Migration, Problem};

use super::history::Applied;
use crate::error::Error;

/// A set of migrations. It contains the migrations of the program, or others in tests.
#[derive(Debug, Clone)]
pub struct Migrations {
    pub(super) runner: Vec<refinery::Migration>,
    downs: Vec<(i32, String)>,
}

/// The files and the history of the database do not match.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Mismatch(pub Vec<Problem>);

impl Migrations {
    /// Returns the embedded migrations of a binary. `texts` are the names and texts of all files, for the down files.
    pub fn new<'a>(
        embedded: &refinery::Runner,
        texts: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        Self {
            runner: embedded.get_migrations().clone(),
            downs: downs(texts.map(|(file, text)| (file, text.to_owned()))),
        }
    }

    /// Returns the migrations in `files`, which are names and texts.
    ///
    /// # Errors
    /// Returns an error if a file has an invalid name.
    pub fn of_files(files: &[(String, String)]) -> Result<Self, Error> {
        let ups = files.iter().filter(|(file, _)| migration_files::parse(file).is_some());
        let up = |(file, text): &(String, String)| {
            refinery::Migration::unapplied(file.trim_end_matches(".sql"), text)
        };
        Ok(Self {
            runner: ups.map(up).collect::<Result<_, _>>().map_err(Error::other)?,
            downs: downs(files.iter().map(|(file, text)| (file.as_str(), text.clone()))),
        })
    }

    /// Returns the migrations that contain a query, by version. A new, empty file does not count.
    pub fn list(&self) -> Vec<Migration> {
        let mut list: Vec<_> = self
            .runner
            .iter()
            .filter(|migration| migration_files::has_statement(text(migration)))
            .map(|migration| Migration {
                version: migration.version(),
                name: migration.name().to_owned(),
                checksum: migration.checksum().to_string(),
            })
            .collect();
        list.sort_by_key(|migration| migration.version);
        list
    }

    /// Returns the SQL of a migration.
    pub fn text(&self, migration: &Migration) -> &str {
        self.runner.iter().find(|it| it.version() == migration.version).map_or("", text)
    }

    /// Returns the SQL that undoes a migration, if it has a down file.
    pub fn down(&self, version: i32) -> Option<&str> {
        self.downs.iter().find(|(of, _)| *of == version).map(|(_, text)| text.as_str())
    }

    /// Returns the problems of the version numbers, and the differences from the applied migrations.
    pub fn problems(&self, applied: &[Applied]) -> Vec<Problem> {
        let list = self.list();
        let files: Vec<_> = list.iter().map(|migration| migration.stem() + ".sql").collect();
        let applied: Vec<_> = applied.iter().map(|applied| applied.migration.clone()).collect();
        let mut problems = migration_files::numbers(&files);
        problems.extend(migration_files::compare(&list, &applied));
        problems
    }

    /// Returns the migrations up to `to` that are not applied.
    pub fn pending(&self, applied: &[Applied], to: Option<i32>) -> Vec<Migration> {
        let is_applied = |version| applied.iter().any(|it| it.migration.version == version);
        let list = self.list().into_iter();
        list.filter(|it| !is_applied(it.version) && to.is_none_or(|to| it.version <= to)).collect()
    }
}

fn text(migration: &refinery::Migration) -> &str {
    migration.sql().unwrap_or_default()
}

fn downs<'a>(files: impl Iterator<Item = (&'a str, String)>) -> Vec<(i32, String)> {
    files.filter_map(|(file, text)| Some((migration_files::parse_down(file)?.0, text))).collect()
}
