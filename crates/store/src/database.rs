//! The connection pool.

use std::{sync::Arc, time::Duration};

use config::{DatabaseConfig, Secret};
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Status, Timeouts};
use tokio_postgres::Config;

use crate::{
    cancellation::Canceller,
    connection::{PoolClient, Transaction},
    error::Error,
    rotated_password::RotatedPassword,
    tls::Tls,
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// The time after which unacknowledged data closes a connection, because the server is unreachable.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(10);

/// The database. Clones share the pool.
#[derive(Clone)]
pub struct Database(Arc<Inner>);

struct Inner {
    pool: Pool,
    canceller: Arc<Canceller>,
}

impl Database {
    /// Creates a pool of up to `settings.pool_size` connections of the role of the API. The pool connects at the first
    /// use, so the server starts without a database. Lost connections are replaced automatically.
    ///
    /// # Errors
    /// The URL is invalid, or the certificates cannot be read.
    pub fn new(settings: &DatabaseConfig) -> Result<Self, Error> {
        let (mut config, tls) = parse(settings.application_url.as_ref().unwrap_or(&settings.url))?;
        if !settings.pgbouncer {
            limit(&mut config, settings);
        }
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let connector = RotatedPassword::new(tls.connector.clone(), settings.url_file.clone());
        let pool = Pool::builder(Manager::from_connect(config, connector, recycling))
            .max_size(settings.pool_size)
            .runtime(Runtime::Tokio1)
            .timeouts(Timeouts {
                wait: Some(settings.wait_timeout),
                create: Some(settings.wait_timeout),
                recycle: Some(settings.wait_timeout),
            })
            .build()
            .map_err(Error::other)?;
        // PostgreSQL cancels a query after `statement_timeout`. One second later, the connection counts as broken.
        let response_timeout = settings.statement_timeout + Duration::from_secs(1);
        let canceller = Arc::new(Canceller { connector: tls.connector, response_timeout });
        Ok(Self(Arc::new(Inner { pool, canceller })))
    }

    /// Returns a connection, for queries outside a transaction.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the pool cannot provide a connection in time.
    pub async fn client(&self) -> Result<PoolClient, Error> {
        // Boxing this large future makes moving it cheap.
        let object = Box::pin(self.0.pool.get()).await?;
        Ok(PoolClient::new(object, self.0.canceller.clone()))
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// The errors of [`Self::client`] and of the query `BEGIN`.
    pub async fn begin(&self) -> Result<Transaction, Error> {
        Transaction::begin(self.client().await?).await
    }

    /// Returns the number of open, free and awaited connections.
    pub fn status(&self) -> Status {
        self.0.pool.status()
    }

    /// Closes the pool. Connections in use are closed when they are returned.
    pub fn close(&self) {
        self.0.pool.close();
    }
}

/// Opens one connection, to the database in `url` or to `database` on the same server.
///
/// # Errors
/// The URL is invalid, or the server is unreachable or refuses the connection.
pub async fn connect(
    url: &Secret,
    database: Option<&str>,
) -> Result<tokio_postgres::Client, Error> {
    let (mut config, tls) = parse(url)?;
    if let Some(database) = database {
        config.dbname(database);
    }
    // An error without an SQLSTATE does not come from PostgreSQL, so the server is unreachable.
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

pub(crate) fn parse(url: &Secret) -> Result<(Config, Tls), Error> {
    let (url, tls) = Tls::from_url(url.expose())?;
    let mut config: Config = url.parse().map_err(Error::setting)?;
    config.ssl_mode(tls.mode);
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(TCP_USER_TIMEOUT);
    }
    if config.get_application_name().is_none() {
        config.application_name(env!("CARGO_PKG_NAME"));
    }
    Ok((config, tls))
}

/// Sets timeouts in the server, which can enforce them even when the client is gone.
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
