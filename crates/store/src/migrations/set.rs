//! A set of migrations, and how it compares with a database's history.

use migration_files::{Migration, Problem};

use super::history::Applied;
use crate::error::Error;

/// A set of migrations: a binary's, or for a test any other.
#[derive(Debug, Clone)]
pub struct Migrations {
    pub(super) runner: Vec<refinery::Migration>,
    downs: Vec<(i32, String)>,
}

/// Files and database do not go together.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Mismatch(pub Vec<Problem>);

impl Migrations {
    /// Those that a binary has embedded: what refinery's macro makes, and the name and the text of each file, for those
    /// that undo one.
    pub fn new<'a>(
        embedded: &refinery::Runner,
        texts: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        Self {
            runner: embedded.get_migrations().clone(),
            downs: downs(texts.map(|(file, text)| (file, text.to_owned()))),
        }
    }

    /// Those of these files, each a name and a text.
    ///
    /// # Errors
    /// A name that is not that of a migration.
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

    /// All that hold a statement, by version. A file that was just made is none yet.
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

    /// The statements of one of them.
    pub fn text(&self, migration: &Migration) -> &str {
        self.runner.iter().find(|it| it.version() == migration.version).map_or("", text)
    }

    /// The statements that undo one of them, if it has such a file.
    pub fn down(&self, version: i32) -> Option<&str> {
        self.downs.iter().find(|(of, _)| *of == version).map(|(_, text)| text.as_str())
    }

    /// What is wrong with the numbers, and with what the database has applied.
    pub fn problems(&self, applied: &[Applied]) -> Vec<Problem> {
        let list = self.list();
        let files: Vec<_> = list.iter().map(|migration| migration.stem() + ".sql").collect();
        let applied: Vec<_> = applied.iter().map(|applied| applied.migration.clone()).collect();
        let mut problems = migration_files::numbers(&files);
        problems.extend(migration_files::compare(&list, &applied));
        problems
    }

    /// Those that the database lacks, up to `to`.
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
