//! Bulk loading of rows with COPY, for tools. The server does not use this module.

use std::pin::pin;

use chrono::{DateTime, Utc};
use store::Error;
use tokio_postgres::{Client, Transaction, binary_copy::BinaryCopyInWriter, types::Type};
use uuid::Uuid;

/// The key of the advisory lock for loading rows. The number is arbitrary.
const LOCK: i64 = 0x5119_3543;

const TAKE_LOCK: &str = "\
-- db::bulk::lock
SELECT pg_advisory_lock($1)";
const PERSONS: &str = "\
-- db::bulk::persons
COPY persons (id, name, nickname, emails, created_at, updated_at) FROM STDIN BINARY";
const IDS: &str = "\
-- db::bulk::ids
SELECT id FROM persons WHERE id BETWEEN $1 AND $2";
const ANALYZE: &str = "\
-- db::bulk::analyze
ANALYZE persons";
/// The number of persons between two reports of progress.
const BATCH: usize = 10_000;

/// A person to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// A UUID of version 7.
    pub id: Uuid,
    /// The name, 1 to 200 characters.
    pub name: String,
    /// The nickname, 1 to 50 characters.
    pub nickname: Option<String>,
    /// The time to store as the creation time.
    pub created_at: DateTime<Utc>,
    /// The email addresses.
    pub emails: Vec<String>,
}

/// Locks the loading of rows until this connection ends. Waits while another connection has the lock, because two
/// concurrent runs would insert the same rows.
pub async fn lock(client: &Client) -> Result<(), Error> {
    client.execute(TAKE_LOCK, &[&LOCK]).await?;
    Ok(())
}

/// Returns the IDs of the stored persons from `first` to `last`, both included.
pub async fn ids(client: &Client, first: Uuid, last: Uuid) -> Result<Vec<Uuid>, Error> {
    let rows = client.query(IDS, &[&first, &last]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Stores all persons in one transaction and returns their number. Calls `stored` with the number of persons so far.
pub async fn insert(
    client: &mut Client,
    mut persons: impl Iterator<Item = Person>,
    stored: &dyn Fn(u64),
) -> Result<u64, Error> {
    let transaction = client.transaction().await?;
    let mut count = 0;
    loop {
        let batch: Vec<_> = persons.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            break;
        }
        copy(&transaction, &batch).await?;
        count += batch.len() as u64;
        stored(count);
    }
    transaction.commit().await?;
    client.batch_execute(ANALYZE).await?;
    Ok(count)
}

async fn copy(transaction: &Transaction<'_>, persons: &[Person]) -> Result<(), Error> {
    let types = [
        Type::UUID,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT_ARRAY,
        Type::TIMESTAMPTZ,
        Type::TIMESTAMPTZ,
    ];
    let mut writer = pin!(BinaryCopyInWriter::new(transaction.copy_in(PERSONS).await?, &types));
    for Person { id, name, nickname, emails, created_at } in persons {
        writer.as_mut().write(&[id, name, nickname, emails, created_at, created_at]).await?;
    }
    writer.finish().await?;
    Ok(())
}
