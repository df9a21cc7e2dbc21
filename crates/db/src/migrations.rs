//! The migrations, embedded in the binary, and what the database says of them.

use tokio_postgres::Client;

use crate::{Connection, Error};

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// Any constant of ours: whoever holds this advisory lock may migrate.
const LOCK: i64 = 0x5119_3541;

const APPLIED: &str = "\
-- db::migrations::applied
SELECT version, name, applied_on FROM refinery_schema_history ORDER BY version";

const VERSION: &str = "\
-- db::migrations::version
SELECT max(version) FROM refinery_schema_history";

const HAS_HISTORY: &str = "\
-- db::migrations::has_history
SELECT to_regclass('refinery_schema_history') IS NOT NULL";

/// A migration that is part of this binary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// 1, 2, 3 …
    pub version: i32,
    /// The file's name without number and ending.
    pub name: String,
}

/// A migration that the database says was applied.
#[derive(Debug, Clone)]
pub struct Applied {
    /// 1, 2, 3 …
    pub version: i32,
    /// The file's name without number and ending.
    pub name: String,
    /// When, as RFC 3339 text in UTC.
    pub applied_on: String,
}

/// Every migration of this binary, by version.
pub fn known() -> Vec<Migration> {
    let mut known: Vec<_> = embedded::migrations::runner()
        .get_migrations()
        .iter()
        .map(|migration| Migration {
            version: migration.version(),
            name: migration.name().to_owned(),
        })
        .collect();
    known.sort_by_key(|migration| migration.version);
    known
}

/// The schema version that this binary was made for.
pub fn latest() -> i32 {
    known().last().map_or(0, |migration| migration.version)
}

/// Every migration that the database has, by version; none for an empty database.
pub async fn applied(client: &Client) -> Result<Vec<Applied>, Error> {
    if !client.query_one(HAS_HISTORY, &[]).await?.get::<_, bool>(0) {
        return Ok(Vec::new());
    }
    let rows = client.query(APPLIED, &[]).await?;
    let applied = rows.iter().map(|row| Applied {
        version: row.get(0),
        name: row.get(1),
        applied_on: row.get(2),
    });
    Ok(applied.collect())
}

/// The version of the database's schema.
///
/// # Errors
/// [`Error::Unavailable`] if it has none yet.
pub async fn version(client: &impl Connection) -> Result<i32, Error> {
    let row = client.query_one(VERSION, &[]).await?;
    Ok(row.get::<_, Option<i32>>(0).unwrap_or(0))
}

/// Applies the pending migrations, each in its own transaction, and returns them.
///
/// Any number of these may run at once: one applies, the others wait for it and find nothing to do.
///
/// # Errors
/// The statement that failed, with PostgreSQL's own words; what was applied before it stays.
pub async fn apply(client: &mut Client) -> Result<Vec<Migration>, Error> {
    client.execute("-- db::migrations::lock\nSELECT pg_advisory_lock($1)", &[&LOCK]).await?;
    let report = embedded::migrations::runner().run_async(client).await;
    client.execute("-- db::migrations::unlock\nSELECT pg_advisory_unlock($1)", &[&LOCK]).await?;
    let report = report.map_err(Error::other)?;
    let applied = report.applied_migrations().iter().map(|migration| Migration {
        version: migration.version(),
        name: migration.name().to_owned(),
    });
    Ok(applied.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_one_two_three_and_names_are_verb_noun() {
        for (index, migration) in known().iter().enumerate() {
            let expected = i32::try_from(index + 1).expect("few migrations");
            assert_eq!(migration.version, expected, "{migration:?}");
            assert!(migration.name.contains('_'), "{migration:?} is not verb_noun");
        }
    }
}
