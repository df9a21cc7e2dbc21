//! Applies migrations: one runner at a time, none in the way of the running site for long.

use std::{error::Error as _, time::Duration};

use migration_files::Migration;
use refinery::{Runner, Target};
use tokio_postgres::{Client, error::SqlState};

use super::{
    history::applied,
    set::{Migrations, Mismatch},
};
use crate::error::Error;

/// Any constant of ours: whoever holds this advisory lock may migrate.
const LOCK: i64 = 0x5119_3541;
/// How often to ask for it. Asked for with `pg_advisory_lock`, a waiting runner's snapshot would be in
/// the way of `CREATE INDEX CONCURRENTLY`, which waits for every transaction.
const POLL: Duration = Duration::from_millis(50);
/// Pauses between attempts at a migration that did not get its locks in time.
const PAUSES: [u64; 12] = [1, 2, 4, 8, 15, 15, 15, 30, 30, 30, 30, 30];

const TRY_LOCK: &str = "-- store::migrations::lock\nSELECT pg_try_advisory_lock($1)";
// Whoever waits for a lock makes everybody wait who comes after: two seconds, which the server's own
// requests can bear. What the role has as a limit for statements is meant for the server.
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
// As refinery makes it, and a column that its own statement fills: which tool applied a migration is
// said in the transaction that applies it.
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

/// A statement of a migration failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {0} {1}")]
pub(super) struct Failed(
    pub(super) &'static str,
    pub(super) String,
    #[source] pub(super) tokio_postgres::Error,
);

/// Applies the pending migrations up to `to`, each in its own transaction, and returns them.
///
/// Any number of these may run at once: one applies, the others wait for it and find nothing to do.
/// One that is killed leaves nothing half done, and the next goes on from there.
///
/// # Errors
/// What is wrong with the files, or the statement that failed, with PostgreSQL's own words; what was
/// applied before it stays.
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

/// Does `work` while no other runner does anything, with the limits of a migration.
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
    // What went wrong first says more than what went wrong after it.
    let done = done?;
    ended?;
    unlocked?;
    Ok(done)
}

/// Waits before the next attempt at what failed because others hold what it needs.
///
/// # Errors
/// It failed for another reason, or often enough.
pub(super) async fn pause(attempt: usize, error: Error) -> Result<(), Error> {
    let seconds = PAUSES.get(attempt).filter(|_| is_in_use(&error));
    let Some(seconds) = seconds else { return Err(error) };
    tracing::warn!("others hold what a migration needs: again in {seconds} s");
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
        // It takes no lock that is in anybody's way, and waits for everybody.
        client.batch_execute("SET lock_timeout = 0").await?;
        let failed = |cause| Error::other(Failed("apply", migration.stem(), cause));
        client.batch_execute(text).await.map_err(failed)?;
        client.batch_execute("SET lock_timeout = '2s'").await?;
        // Only the row in the history.
        Target::FakeVersion(migration.version)
    } else {
        Target::Version(migration.version)
    };
    runner.set_target(target).run_async(client).await.map_err(Error::other)?;
    Ok(())
}

/// Drops what a killed `CREATE INDEX CONCURRENTLY` of this text has left.
async fn drop_invalid_indexes(client: &Client, text: &str) -> Result<(), Error> {
    let words: Vec<_> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    for row in client.query(INVALID_INDEXES, &[]).await? {
        // `REINDEX CONCURRENTLY` builds another one beside the index.
        let name: &str = row.get(0);
        let (of, _) = name.split_once("_ccnew").unwrap_or((name, ""));
        if words.contains(&of) {
            client.batch_execute(row.get(1)).await?;
        }
    }
    Ok(())
}

/// Whether it failed for want of a lock.
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
