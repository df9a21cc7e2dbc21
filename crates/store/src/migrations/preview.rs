//! The locks that a migration takes, observed in a scratch database.

use std::collections::HashMap;

use migration_files::Migration;
use tokio_postgres::{Client, Transaction};

use super::set::Migrations;
use crate::error::Error;

const TABLES: &str = "\
-- store::migrations::tables
SELECT oid, oid::regclass::text, relfilenode FROM pg_class
WHERE relkind IN ('r', 'p') AND oid >= 16384";
const LOCKS: &str = "\
-- store::migrations::locks
SELECT relation, mode FROM pg_locks WHERE pid = pg_backend_pid() AND relation IS NOT NULL";

/// The effect of a migration on an existing table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// The name of the table.
    pub table: String,
    /// The operations that are blocked during the transaction.
    pub blocks: &'static str,
    /// True if PostgreSQL rewrites all rows.
    pub rewrites: bool,
}

/// Applies `migration` to a scratch database with the schema before it, and returns its effects. The history does not
/// change.
pub async fn preview(
    migrations: &Migrations,
    client: &mut Client,
    migration: &Migration,
) -> Result<Vec<Effect>, Error> {
    let text = migrations.text(migration);
    if migration_files::is_without_transaction(text) {
        client.batch_execute(text).await.map_err(Error::other)?;
        return Ok(Vec::new());
    }
    let transaction = client.transaction().await?;
    let before = tables(&transaction).await?;
    transaction.batch_execute(text).await.map_err(Error::other)?;
    let after = tables(&transaction).await?;
    let mut blocks = HashMap::<u32, &'static str>::new();
    for row in transaction.query(LOCKS, &[]).await? {
        if let Some(operations) = blocked_by(row.get(1)) {
            let known = blocks.entry(row.get(0)).or_insert(operations);
            *known = operations.max(known);
        }
    }
    transaction.commit().await?;
    let effect = |(oid, (table, file)): (u32, (String, u32))| {
        let rewrites = after.get(&oid).is_some_and(|(_, now)| *now != file);
        Some(Effect { table, blocks: blocks.get(&oid)?, rewrites })
    };
    let mut effects: Vec<_> = before.into_iter().filter_map(effect).collect();
    effects.sort_by(|one, other| one.table.cmp(&other.table));
    Ok(effects)
}

/// Returns the name and the file of each table, by its oid.
async fn tables(transaction: &Transaction<'_>) -> Result<HashMap<u32, (String, u32)>, Error> {
    let rows = transaction.query(TABLES, &[]).await?;
    Ok(rows.iter().map(|row| (row.get(0), (row.get(1), row.get(2)))).collect())
}

/// Returns the operations that a lock of this mode blocks. The caller takes the maximum, so the text for a stronger
/// lock must be the greater text.
fn blocked_by(mode: &str) -> Option<&'static str> {
    match mode {
        "ShareLock" | "ShareRowExclusiveLock" | "ExclusiveLock" => Some("every write"),
        "AccessExclusiveLock" => Some("every write and read"),
        _ => None,
    }
}
