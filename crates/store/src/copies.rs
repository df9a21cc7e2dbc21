//! Copies of a database on the same server: creates, describes, renames and drops them.
//!
//! A killed process leaves a consistent state, because a copy is one query, and names and descriptions change in one
//! transaction. Locks block new connections during the work, and end with their owner.

use std::time::Duration;

use tokio_postgres::Client;

use crate::{admin, error::Error};

/// The first key of the advisory lock for copies. The second key is the hash of the database's name.
const LOCK: i32 = 0x5119_3542;

const TAKE_LOCK: &str = "\
-- store::copies::lock
SELECT pg_advisory_lock($1, hashtext($2))";
// The server cancels the copy if the client was killed. A server on Windows rejects this setting, and completes the
// copy.
const NOTICE_DEATH: &str = "\
-- store::copies::notice_death
SET client_connection_check_interval = '500ms'";
// Small databases are copied through the write-ahead log (WAL), which is faster. Large databases are copied as files.
// If the disk becomes full, copying files fails, but a full WAL would stop the server.
const COPY: &str = "\
-- store::copies::copy
SELECT format('CREATE DATABASE %I TEMPLATE %I STRATEGY %s', $1::text, $2::text,
    CASE WHEN pg_database_size($2::text::name) < 67108864 THEN 'wal_log' ELSE 'file_copy' END)";
const RENAME: &str = "\
-- store::copies::rename
SELECT format('ALTER DATABASE %I RENAME TO %I', $1::text, $2::text)";
const DESCRIBE: &str = "\
-- store::copies::describe
SELECT format('COMMENT ON DATABASE %I IS %L', $1::text, $2::text)";
const TERMINATE: &str = "\
-- store::copies::terminate
SELECT pg_terminate_backend(pid, $2) FROM pg_stat_activity
WHERE datname = ANY($1) AND pid <> pg_backend_pid()";
const LIST: &str = "\
-- store::copies::list
SELECT datname, shobj_description(oid, 'pg_database'), coalesce(pg_database_size(oid), 0),
    extract(epoch FROM now())::bigint, datconnlimit = -2
FROM pg_database WHERE starts_with(datname, $1::text || '__') ORDER BY datname";
const DESCRIPTION: &str = "\
-- store::copies::description
SELECT shobj_description(oid, 'pg_database'), extract(epoch FROM now())::bigint
FROM pg_database WHERE datname = $1";

/// A copy of a database. Its name begins with the name of the database.
#[derive(Debug, Clone)]
pub struct Copy {
    /// The name of the copy.
    pub database: String,
    /// The description that [`rename_all`] has set.
    pub description: Option<String>,
    /// The size on disk.
    pub bytes: i64,
    /// The time of the server, in seconds since 1970.
    pub now: i64,
    /// True if the server stopped while it dropped the copy. The copy is then unusable and must be dropped.
    pub is_broken: bool,
}

/// A new name and description of a database.
#[derive(Debug)]
pub struct Rename<'a> {
    /// The current name.
    pub from: &'a str,
    /// The new name.
    pub to: &'a str,
    /// The new description. `None` removes it.
    pub description: Option<String>,
}

/// Locks the copies of `database` until the connection is closed.
pub async fn lock(client: &Client, database: &str) -> Result<(), Error> {
    client.execute(TAKE_LOCK, &[&LOCK, &database]).await?;
    Ok(())
}

/// Returns the databases whose name is `database` and two underscores, followed by more.
pub async fn list(client: &Client, database: &str) -> Result<Vec<Copy>, Error> {
    let rows = client.query(LIST, &[&database]).await?;
    let copy = |row: &tokio_postgres::Row| Copy {
        database: row.get(0),
        description: row.get(1),
        bytes: row.get(2),
        now: row.get(3),
        is_broken: row.get(4),
    };
    Ok(rows.iter().map(copy).collect())
}

/// Returns the description of a database and the server's time in seconds since 1970. Returns `None` if the database
/// does not exist.
pub async fn description(
    client: &Client,
    database: &str,
) -> Result<Option<(Option<String>, i64)>, Error> {
    let row = client.query_opt(DESCRIPTION, &[&database]).await?;
    Ok(row.map(|row| (row.get(0), row.get(1))))
}

/// Copies the database `from` to `to`. Closes the connections to `from`. New connections wait for the end of the copy.
///
/// `helper` is a second connection to the same server. If the client is killed, the copy is complete or does not exist.
pub async fn copy(client: &Client, helper: &Client, from: &str, to: &str) -> Result<(), Error> {
    let _ = client.batch_execute(NOTICE_DEATH).await;
    let statement: String = client.query_one(COPY, &[&to, &from]).await?.get(0);
    let copied = async { Ok(client.batch_execute(&statement).await?) };
    // While the copy is made, PostgreSQL blocks new connections to the database. The existing ones must be closed.
    alone(helper, &[from], copied).await
}

/// Renames and describes databases in this order, in one transaction. Closes their connections. New connections wait.
pub async fn rename_all(
    client: &mut Client,
    helper: &Client,
    renames: &[Rename<'_>],
) -> Result<(), Error> {
    let names: Vec<_> = renames.iter().map(|rename| rename.from).collect();
    let work = async {
        let transaction = client.transaction().await?;
        for Rename { from, to, description } in renames {
            let statement: String = transaction.query_one(RENAME, &[from, to]).await?.get(0);
            transaction.batch_execute(&statement).await?;
            let statement: String =
                transaction.query_one(DESCRIBE, &[to, description]).await?.get(0);
            transaction.batch_execute(&statement).await?;
        }
        Ok(transaction.commit().await?)
    };
    alone(helper, &names, work).await
}

/// Sets the description of a database.
pub async fn describe(client: &Client, database: &str, description: &str) -> Result<(), Error> {
    let statement: String = client.query_one(DESCRIBE, &[&database, &description]).await?.get(0);
    Ok(client.batch_execute(&statement).await?)
}

/// Drops a database if it exists, and closes its connections.
pub async fn drop(client: &Client, database: &str) -> Result<(), Error> {
    admin::drop(client, database).await
}

/// Runs `work` while `helper` closes the existing connections to `databases`.
async fn alone(
    helper: &Client,
    databases: &[&str],
    work: impl Future<Output = Result<(), Error>>,
) -> Result<(), Error> {
    // Waits until the connections are closed. Otherwise PostgreSQL would check for them again only after 0.1 s.
    let timeout_ms = 500_i64;
    helper.execute(TERMINATE, &[&databases, &timeout_ms]).await?;
    let terminate = async {
        loop {
            helper.execute(TERMINATE, &[&databases, &1_i64]).await?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        done = work => done,
        // The loop ends only with an error.
        failed = terminate => failed,
    }
}
