//! Sample rows for development.

use tokio_postgres::Client;

use crate::Error;

/// Loads the sample rows that are not there yet and returns how many persons that were.
pub async fn seed(client: &Client) -> Result<u64, Error> {
    let row = client.query_one(include_str!("../seeds/sample.sql"), &[]).await?;
    let inserted: i64 = row.get(0);
    Ok(inserted.unsigned_abs())
}
