//! Applies migrations, one runner at a time, with short waits for locks so that the running API is not blocked.

use std::{error::Error as _, time::Duration};

use migration_files::Migration;
use refinery::{Runner, Target};
use tokio_postgres::{Client, error::SqlState};

use super::{
    history::applied,
    set::{Migrations, Mismatch},
};
use crate::error::Error;

/// The key of the advisory lock for migrations.
const LOCK: i64 = 0x5119_3541;
/// The interval between attempts to take the lock. A runner that waits inside `pg_advisory_lock` would hold a snapshot,
/// which blocks `CREATE INDEX CONCURRENTLY`.
const POLL: Duration = Duration::from_millis(50);
/// The pauses in seconds between attempts at a migration whose locks timed out.
const PAUSES: [u64; 12] = [1, 2, 4, 8, 15, 15, 15, 30, 30, 30, 30, 30];

const TRY_LOCK: &str = "-- store::migrations::lock\nSELECT pg_try_advisory_lock($1)";
// A migration that waits for a lock also blocks all later queries, so it waits for at most 2 s. The role's
// statement_timeout is meant for the API and would cancel long migrations.
const BEGIN: &str = concat!(
    "-- store::migrations::begin\n",
    "SELECT set_config('lock_timeout', '2s', false), set_config('statement_timeout', '0', false), ",
    "set_config('migrate.version', '",
    env!("CARGO_PKG_VERSION"),
    "', false)"
);
const END: &str = "\
-- store::migrations::end
RESET lock_timeout; RESET statement_timeout; RESET migrate.version";
const UNLOCK: &str = "-- store::migrations::unlock\nSELECT pg_advisory_unlock($1)";
// Creates the history table as the library refinery does, with one more column for the version of the migration tool.
const HISTORY: &str = "\
-- store::migrations::history
DO $$ BEGIN
    IF to_regclass('refinery_schema_history') IS NULL THEN
        CREATE TABLE refinery_schema_history (version int4 PRIMARY KEY,
            name varchar(255), applied_on varchar(255), checksum varchar(255));
    END IF;
    IF NOT EXISTS (SELECT FROM pg_attribute
        WHERE attrelid = 'refinery_schema_history'::regclass AND attname = 'applied_by') THEN
        ALTER TABLE refinery_schema_history ADD COLUMN applied_by text;
        ALTER TABLE refinery_schema_history
            ALTER COLUMN applied_by SET DEFAULT current_setting('migrate.version', true);
    END IF;
END $$";
const INVALID_INDEXES: &str = "\
-- store::migrations::invalid_indexes
SELECT relname, format('DROP INDEX CONCURRENTLY %s', indexrelid::regclass)
FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE NOT indisvalid";

/// A query of a migration failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {0} {1}")]
pub(super) struct Failed(
    pub(super) &'static str,
    pub(super) String,
    #[source] pub(super) tokio_postgres::Error,
);

/// Applies the pending migrations up to `to`, each in its own transaction, and returns them.
///
/// Several runners can start at the same time: one applies, the others wait for it. A killed runner leaves a consistent
/// state, and the next run continues from there.
///
/// # Errors
/// Returns the problems of the files, or PostgreSQL's error of the failed query. Earlier migrations stay applied.
pub async fn apply(
    migrations: &Migrations,
    client: &mut Client,
    to: Option<i32>,
) -> Result<Vec<Migration>, Error> {
    alone(client, async |client| {
        let applied = applied(client).await?;
        let problems = migrations.problems(&applied);
        if !problems.is_empty() {
            return Err(Error::other(Mismatch(problems)));
        }
        let pending = migrations.pending(&applied, to);
        if !pending.is_empty() {
            client.batch_execute(HISTORY).await?;
        }
        for migration in &pending {
            let mut attempt = 0;
            while let Err(error) = one(migrations, client, migration).await {
                pause(attempt, error).await?;
                attempt += 1;
            }
        }
        Ok(pending)
    })
    .await
}

/// Runs `work` under the lock, with the timeouts of a migration.
pub(super) async fn alone<T>(
    client: &mut Client,
    work: impl AsyncFnOnce(&mut Client) -> Result<T, Error>,
) -> Result<T, Error> {
    while !client.query_one(TRY_LOCK, &[&LOCK]).await?.get::<_, bool>(0) {
        tokio::time::sleep(POLL).await;
    }
    client.query_one(BEGIN, &[]).await?;
    let done = work(client).await;
    let ended = client.batch_execute(END).await;
    let unlocked = client.execute(UNLOCK, &[&LOCK]).await;
    // If several steps failed, the first error is the cause of the others.
    let done = done?;
    ended?;
    unlocked?;
    Ok(done)
}

/// Waits before the next attempt after a lock timeout.
///
/// # Errors
/// Returns `error` if `error` is not a lock timeout, or after the last attempt.
pub(super) async fn pause(attempt: usize, error: Error) -> Result<(), Error> {
    let seconds = PAUSES.get(attempt).filter(|_| is_in_use(&error));
    let Some(seconds) = seconds else { return Err(error) };
    tracing::warn!(
        "a migration waits for a lock of another transaction: next attempt in {seconds} s"
    );
    tokio::time::sleep(Duration::from_secs(*seconds)).await;
    Ok(())
}

async fn one(
    migrations: &Migrations,
    client: &mut Client,
    migration: &Migration,
) -> Result<(), Error> {
    let runner = Runner::new(&migrations.runner);
    let text = migrations.text(migration);
    let target = if migration_files::is_without_transaction(text) {
        drop_invalid_indexes(client, text).await?;
        // `CREATE INDEX CONCURRENTLY` does not block other queries while it waits, so the wait is not limited.
        client.batch_execute("SET lock_timeout = 0").await?;
        let failed = |cause| Error::other(Failed("apply", migration.stem(), cause));
        client.batch_execute(text).await.map_err(failed)?;
        client.batch_execute("SET lock_timeout = '2s'").await?;
        // The text has already run, so refinery only records the migration.
        Target::FakeVersion(migration.version)
    } else {
        Target::Version(migration.version)
    };
    runner.set_target(target).run_async(client).await.map_err(Error::other)?;
    Ok(())
}

/// Drops the invalid index that a killed `CREATE INDEX CONCURRENTLY` of this text has left.
async fn drop_invalid_indexes(client: &Client, text: &str) -> Result<(), Error> {
    let words: Vec<_> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    for row in client.query(INVALID_INDEXES, &[]).await? {
        // `REINDEX CONCURRENTLY` names its new index like the old one, with the suffix `_ccnew`.
        let name: &str = row.get(0);
        let (of, _) = name.split_once("_ccnew").unwrap_or((name, ""));
        if words.contains(&of) {
            client.batch_execute(row.get(1)).await?;
        }
    }
    Ok(())
}

/// Returns true after a lock timeout.
fn is_in_use(error: &Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<tokio_postgres::Error>() {
            let states = [SqlState::LOCK_NOT_AVAILABLE, SqlState::T_R_DEADLOCK_DETECTED];
            return error.code().is_some_and(|state| states.contains(state));
        }
        cause = error.source();
    }
    false
}
