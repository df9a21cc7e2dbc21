//! Connections: a pool for the server, a single one for tools.

use std::time::Duration;

use config::{DatabaseConfig, Secret};
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Timeouts};
use tokio_postgres::{Client, Config, NoTls};

use crate::Error;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// A pool of at most `settings.pool_size` connections. Nothing connects until the first is taken, so
/// the server starts without a database and heals by itself when one comes.
///
/// # Errors
/// A malformed URL.
pub fn pool(settings: &DatabaseConfig) -> Result<Pool, Error> {
    let mut config = parse(&settings.url)?;
    let limit = settings.statement_timeout.as_millis();
    let options = config.get_options().unwrap_or_default().to_owned();
    config.options(format!("-c statement_timeout={limit} {options}"));
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    Pool::builder(Manager::from_config(config, NoTls, recycling))
        .max_size(settings.pool_size)
        .runtime(Runtime::Tokio1)
        .timeouts(Timeouts {
            wait: Some(settings.wait_timeout),
            create: Some(settings.wait_timeout),
            recycle: Some(settings.wait_timeout),
        })
        .build()
        .map_err(|error| Error::Other(error.into()))
}

/// One connection, to the database that `url` names or to `database` on the same server.
///
/// # Errors
/// A malformed URL, or a server that cannot be reached or refuses.
pub async fn connect(url: &Secret, database: Option<&str>) -> Result<Client, Error> {
    let mut config = parse(url)?;
    if let Some(database) = database {
        config.dbname(database);
    }
    // Without an SQLSTATE nobody answered, or not in time.
    let (client, connection) = config.connect(NoTls).await.map_err(|error| match error.code() {
        None => Error::Unavailable(error.into()),
        Some(_) => error.into(),
    })?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a database connection ended");
        }
    });
    Ok(client)
}

/// Asks the database for an answer.
///
/// # Errors
/// None came.
pub async fn ping(pool: &Pool) -> Result<(), Error> {
    pool.get().await?.simple_query("-- db::ping\nSELECT 1").await?;
    Ok(())
}

fn parse(url: &Secret) -> Result<Config, Error> {
    let mut config: Config = url.expose().parse()?;
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    if config.get_application_name().is_none() {
        config.application_name(env!("CARGO_PKG_NAME"));
    }
    Ok(config)
}
