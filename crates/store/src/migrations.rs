//! Migrations: a set of them, and what the database says of it.

mod apply;
mod description;
mod preview;
mod undo;

pub use migration_files::{Migration, Problem};
use tokio_postgres::Client;

use crate::{Connection, Error};

pub use apply::apply;
pub use description::describe;
pub use preview::{Effect, preview};
pub use undo::{Undo, undo};

const APPLIED: &str = "\
-- store::migrations::applied
SELECT version, name, checksum, applied_on, to_jsonb(history) ->> 'applied_by'
FROM refinery_schema_history AS history ORDER BY version";

const VERSION: &str = "\
-- store::migrations::version
SELECT max(version) FROM refinery_schema_history";

const HAS_HISTORY: &str = "\
-- store::migrations::has_history
SELECT to_regclass('refinery_schema_history') IS NOT NULL";

/// A set of migrations: a binary's, or for a test any other.
#[derive(Debug, Clone)]
pub struct Migrations {
    runner: Vec<refinery::Migration>,
    downs: Vec<(i32, String)>,
}

/// A migration that the database says was applied.
#[derive(Debug, Clone)]
pub struct Applied {
    /// Which one it was, with the checksum that it had.
    pub migration: Migration,
    /// When, as RFC 3339 text in UTC.
    pub applied_on: String,
    /// The version of the migration tool; none where one applied it that did not leave it.
    pub applied_by: Option<String>,
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

/// Every migration that the database has, by version; none for an empty database.
pub async fn applied(client: &Client) -> Result<Vec<Applied>, Error> {
    if !client.query_one(HAS_HISTORY, &[]).await?.get::<_, bool>(0) {
        return Ok(Vec::new());
    }
    let rows = client.query(APPLIED, &[]).await?;
    let applied = rows.iter().map(|row| Applied {
        migration: Migration { version: row.get(0), name: row.get(1), checksum: row.get(2) },
        applied_on: row.get(3),
        applied_by: row.get(4),
    });
    Ok(applied.collect())
}

/// The version of the database's schema.
///
/// # Errors
/// [`Error::Unavailable`] if it has none yet.
pub async fn version(client: &dyn Connection) -> Result<i32, Error> {
    let row = client.query_one(VERSION, &[]).await?;
    Ok(row.get::<_, Option<i32>>(0).unwrap_or(0))
}
