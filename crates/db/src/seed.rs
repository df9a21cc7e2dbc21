//! Sample rows and accounts for development.

use store::Error;
use tokio_postgres::Client;

/// Loads the sample rows that are not there yet and returns how many persons that were.
pub async fn seed(client: &Client) -> Result<u64, Error> {
    let row = client.query_one(include_str!("../seeds/sample.sql"), &[]).await?;
    let inserted: i64 = row.get(0);
    Ok(inserted.unsigned_abs())
}

/// Makes the accounts for development that are not there yet, with a password that has this hash.
pub async fn seed_accounts(client: &Client, password_hash: &str) -> Result<(), Error> {
    client.execute(include_str!("../seeds/accounts.sql"), &[&password_hash]).await?;
    Ok(())
}
