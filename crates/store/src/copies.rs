//! Copies of a database beside it on the same server: made, described, put in each other's place.
//!
//! Nothing here leaves a broken state, whatever is killed: a copy is made in one statement, and names
//! and descriptions change in one transaction. Locks keep connections out meanwhile, and end with their owner.

use std::time::Duration;

use tokio_postgres::Client;

use crate::{admin, error::Error};

/// Any constant of ours: whoever holds this advisory lock, with the hash of a database's name, may change its copies.
const LOCK: i32 = 0x5119_3542;

const TAKE_LOCK: &str = "\
-- store::copies::lock
SELECT pg_advisory_lock($1, hashtext($2))";
// A server that cannot look for a client that is gone (Windows) says so, and copies to the end.
const NOTICE_DEATH: &str = "\
-- store::copies::notice_death
SET client_connection_check_interval = '500ms'";
// Through the journal, small ones are copied three times as quickly as by files, which need two checkpoints. Large ones
// go by files: that is as quick, and a disk that gets full is an error then. A journal that has no room for what it is
// given stops the whole server.
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

/// A database beside another one, which its name begins with.
#[derive(Debug, Clone)]
pub struct Copy {
    /// Its name on the server.
    pub database: String,
    /// What [`rename_all`] gave it.
    pub description: Option<String>,
    /// What it takes on the disk.
    pub bytes: i64,
    /// The time of the server, in seconds since 1970.
    pub now: i64,
    /// Whether the server went down while it was being dropped: nothing can be done with it but that.
    pub is_broken: bool,
}

/// A database with its new name and description.
#[derive(Debug)]
pub struct Rename<'a> {
    /// The name it has.
    pub from: &'a str,
    /// The name it gets.
    pub to: &'a str,
    /// None takes the description away.
    pub description: Option<String>,
}

/// Waits until nobody else changes the copies of `database`. The lock lasts as long as the connection.
pub async fn lock(client: &Client, database: &str) -> Result<(), Error> {
    client.execute(TAKE_LOCK, &[&LOCK, &database]).await?;
    Ok(())
}

/// Every database whose name goes on after `database` and two underscores.
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

/// The description of a database, and the server's time in seconds since 1970; none if there is no such database.
pub async fn description(
    client: &Client,
    database: &str,
) -> Result<Option<(Option<String>, i64)>, Error> {
    let row = client.query_opt(DESCRIPTION, &[&database]).await?;
    Ok(row.map(|row| (row.get(0), row.get(1))))
}

/// Makes the database `to` as `from` is now. Connections to that are ended; new ones wait for the end of the copy.
///
/// `helper` is a second connection to the same server. A killed client leaves no copy, or a whole one.
pub async fn copy(client: &Client, helper: &Client, from: &str, to: &str) -> Result<(), Error> {
    let _ = client.batch_execute(NOTICE_DEATH).await;
    let statement: String = client.query_one(COPY, &[&to, &from]).await?.get(0);
    let copied = async { Ok(client.batch_execute(&statement).await?) };
    // The statement holds a lock that connections must have to begin, and waits for those that are there.
    alone(helper, &[from], copied).await
}

/// Gives databases other names and descriptions, in this order and in one transaction: there is no moment with
/// half of it. Connections to them are ended; new ones wait for the end.
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

/// Gives a database another description.
pub async fn describe(client: &Client, database: &str, description: &str) -> Result<(), Error> {
    let statement: String = client.query_one(DESCRIBE, &[&database, &description]).await?.get(0);
    Ok(client.batch_execute(&statement).await?)
}

/// Drops a database, if it is there, and ends the connections to it.
pub async fn drop(client: &Client, database: &str) -> Result<(), Error> {
    admin::drop(client, database).await
}

/// Does `work` while the helper ends the connections to `databases` that were there before.
async fn alone(
    helper: &Client,
    databases: &[&str],
    work: impl Future<Output = Result<(), Error>>,
) -> Result<(), Error> {
    // Who looks and still finds somebody looks again only after a tenth of a second.
    let patience = 500_i64;
    helper.execute(TERMINATE, &[&databases, &patience]).await?;
    let terminate = async {
        loop {
            helper.execute(TERMINATE, &[&databases, &1_i64]).await?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        done = work => done,
        // It loops until it fails.
        failed = terminate => failed,
    }
}
