//! Sample rows and accounts for development.

use store::Error;
use tokio_postgres::Client;

/// Inserts the missing sample rows and returns the number of inserted persons.
pub async fn seed(client: &Client) -> Result<u64, Error> {
    let row = client.query_one(include_str!("../seeds/sample.sql"), &[]).await?;
    let inserted: i64 = row.get(0);
    Ok(inserted.unsigned_abs())
}

/// Creates the missing development accounts, all with the password of `password_hash`.
pub async fn seed_accounts(client: &Client, password_hash: &str) -> Result<(), Error> {
    client.execute(include_str!("../seeds/accounts.sql"), &[&password_hash]).await?;
    Ok(())
}
