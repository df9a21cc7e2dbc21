//! A text description of the schema in PostgreSQL's catalogue.

use tokio_postgres::Client;

use crate::error::Error;

const DESCRIBE: &str = include_str!("description.sql");

/// Returns the schema as readable SQL, without the migration history. The text does not depend on the major version.
pub async fn describe(client: &Client) -> Result<String, Error> {
    let rows = client.query(DESCRIBE, &[]).await?;
    let objects: Vec<&str> = rows.iter().map(|row| row.get(0)).collect();
    Ok(objects.join("\n\n") + "\n")
}
