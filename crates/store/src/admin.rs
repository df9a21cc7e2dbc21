//! Creates, copies, renames and drops databases, for tools and tests.

use tokio_postgres::Client;

use crate::error::Error;

/// The database to connect to for commands on other databases.
pub const MAINTENANCE: &str = "postgres";

// The name of a database cannot be a query parameter. PostgreSQL therefore quotes the name in a first query, and the
// result is run as a second query.
const CREATE: &str = "-- store::admin::create\nSELECT format('CREATE DATABASE %I', $1::text)";
// `FILE_COPY` is faster than the default if the server does not sync to disk, as in tests.
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

/// Creates an empty database.
pub async fn create(client: &Client, name: &str) -> Result<(), Error> {
    run(client, CREATE, &[name]).await
}

/// Creates an empty database unless it exists. Returns true if it was created.
pub async fn create_if_missing(client: &Client, name: &str) -> Result<bool, Error> {
    if exists(client, name).await? {
        return Ok(false);
    }
    match create(client, name).await {
        // Another process has created the database in the meantime.
        Err(Error::Duplicate { .. }) => Ok(false),
        created => created.map(|()| true),
    }
}

/// Copies the database `template`, which must not have connections.
pub async fn clone(client: &Client, name: &str, template: &str) -> Result<(), Error> {
    run(client, CLONE, &[name, template]).await
}

/// Drops a database if it exists, and closes its connections.
pub async fn drop(client: &Client, name: &str) -> Result<(), Error> {
    run(client, DROP, &[name]).await
}

/// Renames a database, which must not have connections.
pub async fn rename(client: &Client, name: &str, to: &str) -> Result<(), Error> {
    run(client, RENAME, &[name, to]).await
}

/// Updates the planner's statistics of the client's database.
pub async fn analyze(client: &Client) -> Result<(), Error> {
    Ok(client.batch_execute("-- store::admin::analyze\nANALYZE").await?)
}

/// Returns true if the database exists.
pub async fn exists(client: &Client, name: &str) -> Result<bool, Error> {
    Ok(client.query_one(EXISTS, &[&name]).await?.get(0))
}

async fn run(client: &Client, format: &str, names: &[&str]) -> Result<(), Error> {
    let names: Vec<_> =
        names.iter().map(|name| name as &(dyn tokio_postgres::types::ToSql + Sync)).collect();
    let statement: String = client.query_one(format, &names).await?.get(0);
    Ok(client.batch_execute(&statement).await?)
}
