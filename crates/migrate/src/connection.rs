//! Connections of the migration tool.

use std::time::Duration;

use anyhow::Context;
use config::{Config, Profile};
use db::{Client, admin};

/// The time to wait for a database that is starting.
const STARTUP_TIMEOUT: Duration = Duration::from_secs(15);

const STALE_PASSWORD: &str = "the password in DATABASE_URL (or .env) is wrong. A database keeps the \
    password that it was created with: restore that password, or change it with ALTER ROLE";

/// Connects, and waits for a server that is still starting.
pub(crate) async fn connect(config: &Config, database: Option<&str>) -> anyhow::Result<Client> {
    let started = tokio::time::Instant::now();
    loop {
        match db::connect(&config.database.url, database).await {
            Err(db::Error::Unavailable(_)) if started.elapsed() < STARTUP_TIMEOUT => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Err(error @ db::Error::Unauthorized(_)) => return Err(error).context(STALE_PASSWORD),
            connected => {
                return connected.context("cannot connect to the database in DATABASE_URL");
            }
        }
    }
}

/// Returns the name of the database in DATABASE_URL.
pub(crate) fn database_name(config: &Config) -> anyhow::Result<String> {
    let connection: db::ConnectionConfig = config.database.url.expose().parse()?;
    Ok(connection.get_dbname().context("DATABASE_URL does not contain a database name")?.to_owned())
}

/// Creates the database if it does not exist, as on a new local cluster, and returns its name if it did. In
/// production the operator creates the database, with the right owner and privileges.
pub(crate) async fn create_database_if_missing(config: &Config) -> anyhow::Result<Option<String>> {
    if config.profile == Profile::Production {
        return Ok(None);
    }
    let name = database_name(config)?;
    if db::connect(&config.database.url, None).await.is_ok() {
        // The user of a managed server may not be allowed to connect to the maintenance database.
        return Ok(None);
    }
    let server = connect(config, Some(admin::MAINTENANCE)).await?;
    Ok(admin::create_if_missing(&server, &name).await?.then_some(name))
}
