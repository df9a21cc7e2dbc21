//! The database as the server uses it: a pool of connections, and transactions.

use std::{sync::Arc, time::Duration};

use config::{DatabaseConfig, Secret};
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Status, Timeouts};
use tokio_postgres::Config;

use crate::{
    cancellation::Canceller,
    connection::{PoolClient, Transaction},
    error::Error,
    tls::Tls,
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// What is sent and not acknowledged for as long as this was sent to a machine that is gone.
const SILENCE: Duration = Duration::from_secs(10);

/// The database. Clones share everything.
#[derive(Clone)]
pub struct Database(Arc<Inner>);

struct Inner {
    pool: Pool,
    canceller: Arc<Canceller>,
}

impl Database {
    /// At most `settings.pool_size` connections. Nothing connects until the first is needed, so the
    /// server starts without a database and heals by itself when one comes.
    ///
    /// # Errors
    /// A malformed URL, or certificates that cannot be read.
    pub fn new(settings: &DatabaseConfig) -> Result<Self, Error> {
        let (mut config, tls) = parse(&settings.url)?;
        if !settings.pgbouncer {
            limit(&mut config, settings);
        }
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let pool = Pool::builder(Manager::from_config(config, tls.connector.clone(), recycling))
            .max_size(settings.pool_size)
            .runtime(Runtime::Tokio1)
            .timeouts(Timeouts {
                wait: Some(settings.wait_timeout),
                create: Some(settings.wait_timeout),
                recycle: Some(settings.wait_timeout),
            })
            .build()
            .map_err(Error::other)?;
        // The server cancels a query before this: later, no response will come.
        let response_timeout = settings.statement_timeout + Duration::from_secs(1);
        let canceller = Arc::new(Canceller { connector: tls.connector, response_timeout });
        Ok(Self(Arc::new(Inner { pool, canceller })))
    }

    /// A connection, for statements that each stand for themselves.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if none comes free, or none can be made, in time.
    pub async fn client(&self) -> Result<PoolClient, Error> {
        // A box: what is in it takes thousands of bytes, which every caller would have to move.
        let object = Box::pin(self.0.pool.get()).await?;
        Ok(PoolClient::new(object, self.0.canceller.clone()))
    }

    /// A transaction.
    ///
    /// # Errors
    /// Those of [`Self::client`].
    pub async fn begin(&self) -> Result<Transaction, Error> {
        Transaction::begin(self.client().await?).await
    }

    /// How many connections there are, and how many are free or waited for.
    pub fn status(&self) -> Status {
        self.0.pool.status()
    }

    /// Closes every connection, those in use as soon as they are given back.
    pub fn close(&self) {
        self.0.pool.close();
    }
}

/// One connection, to the database that `url` names or to `database` on the same server.
///
/// # Errors
/// A malformed URL, or a server that cannot be reached or refuses.
pub async fn connect(
    url: &Secret,
    database: Option<&str>,
) -> Result<tokio_postgres::Client, Error> {
    let (mut config, tls) = parse(url)?;
    if let Some(database) = database {
        config.dbname(database);
    }
    // Without an SQLSTATE nobody answered, or not in time.
    let (client, connection) =
        config.connect(tls.connector).await.map_err(|error| match error.code() {
            None => Error::unavailable(error),
            Some(_) => error.into(),
        })?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a database connection ended");
        }
    });
    Ok(client)
}

fn parse(url: &Secret) -> Result<(Config, Tls), Error> {
    let (url, tls) = Tls::from_url(url.expose())?;
    let mut config: Config = url.parse().map_err(Error::setting)?;
    config.ssl_mode(tls.mode);
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(SILENCE);
    }
    if config.get_application_name().is_none() {
        config.application_name(env!("CARGO_PKG_NAME"));
    }
    Ok((config, tls))
}

/// Has the server itself end what takes too long: it can, when the client is long gone.
fn limit(config: &mut Config, settings: &DatabaseConfig) {
    let milliseconds = |name: &str, limit: Duration| format!("-c {name}={}", limit.as_millis());
    let given = config.get_options().unwrap_or_default().to_owned();
    config.options(format!(
        "{} {} {} {given}",
        milliseconds("statement_timeout", settings.statement_timeout),
        milliseconds("lock_timeout", settings.lock_timeout),
        milliseconds("idle_in_transaction_session_timeout", settings.idle_timeout),
    ));
}
