//! The history of applied migrations, which refinery keeps in the database.

use migration_files::Migration;
use tokio_postgres::Client;

use crate::{connection::Connection, error::Error};

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

/// An applied migration.
#[derive(Debug, Clone)]
pub struct Applied {
    /// The migration, with its checksum at that time.
    pub migration: Migration,
    /// The time, as RFC 3339 text in UTC.
    pub applied_on: String,
    /// The version of the migration tool, unless it is too old to record its version.
    pub applied_by: Option<String>,
}

/// Returns the applied migrations by version. An empty database has none.
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

/// Returns the version of the schema.
///
/// # Errors
/// Returns [`Error::Unavailable`] if no migration was applied.
pub async fn version(client: &dyn Connection) -> Result<i32, Error> {
    let row = client.query_one(VERSION, &[]).await?;
    Ok(row.get::<_, Option<i32>>(0).unwrap_or(0))
}
