//! The schema as PostgreSQL sees it, as text.

use tokio_postgres::Client;

use crate::error::Error;

const DESCRIBE: &str = include_str!("description.sql");

/// Everything in the schema but the history of migrations, as SQL to be read; the same from every
/// major version.
pub async fn describe(client: &Client) -> Result<String, Error> {
    let rows = client.query(DESCRIBE, &[]).await?;
    let objects: Vec<&str> = rows.iter().map(|row| row.get(0)).collect();
    Ok(objects.join("\n\n") + "\n")
}
