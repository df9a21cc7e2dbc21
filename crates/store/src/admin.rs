//! Whole databases: made, copied, renamed and dropped. For tools and tests, not for the server.

use tokio_postgres::Client;

use crate::error::Error;

/// The database to be connected to while working on others.
pub const MAINTENANCE: &str = "postgres";

// Names cannot be bound as parameters: PostgreSQL itself quotes them into the statement to run.
const CREATE: &str = "-- store::admin::create\nSELECT format('CREATE DATABASE %I', $1::text)";
// By files: half as long as page by page through the journal, for a server that syncs nothing to a disk.
const CLONE: &str = "\
-- store::admin::clone
SELECT format('CREATE DATABASE %I TEMPLATE %I STRATEGY file_copy', $1::text, $2::text)";
const DROP: &str = "\
-- store::admin::drop
SELECT format('DROP DATABASE IF EXISTS %I WITH (FORCE)', $1::text)";
const RENAME: &str = "\
-- store::admin::rename
SELECT format('ALTER DATABASE %I RENAME TO %I', $1::text, $2::text)";
const EXISTS: &str = "\
-- store::admin::exists
SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)";

/// Makes an empty database.
pub async fn create(client: &Client, name: &str) -> Result<(), Error> {
    run(client, CREATE, &[name]).await
}

/// Makes an empty database unless there is one of that name, and returns whether it did.
pub async fn create_if_missing(client: &Client, name: &str) -> Result<bool, Error> {
    if exists(client, name).await? {
        return Ok(false);
    }
    match create(client, name).await {
        // Somebody else was quicker.
        Err(Error::Duplicate { .. }) => Ok(false),
        created => created.map(|()| true),
    }
}

/// Makes a copy of the database `template`, to which nobody may be connected.
pub async fn clone(client: &Client, name: &str, template: &str) -> Result<(), Error> {
    run(client, CLONE, &[name, template]).await
}

/// Drops a database, if it is there, and ends the connections to it.
pub async fn drop(client: &Client, name: &str) -> Result<(), Error> {
    run(client, DROP, &[name]).await
}

/// Gives a database, to which nobody may be connected, another name.
pub async fn rename(client: &Client, name: &str, to: &str) -> Result<(), Error> {
    run(client, RENAME, &[name, to]).await
}

/// Has PostgreSQL look at the rows of the client's database, so that it plans well for new ones.
pub async fn analyze(client: &Client) -> Result<(), Error> {
    Ok(client.batch_execute("-- store::admin::analyze\nANALYZE").await?)
}

/// Whether there is a database of this name.
pub async fn exists(client: &Client, name: &str) -> Result<bool, Error> {
    Ok(client.query_one(EXISTS, &[&name]).await?.get(0))
}

async fn run(client: &Client, format: &str, names: &[&str]) -> Result<(), Error> {
    let names: Vec<_> =
        names.iter().map(|name| name as &(dyn tokio_postgres::types::ToSql + Sync)).collect();
    let statement: String = client.query_one(format, &names).await?.get(0);
    Ok(client.batch_execute(&statement).await?)
}
