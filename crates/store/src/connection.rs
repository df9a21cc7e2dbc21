//! Connections: every query runs through [`Connection`], which prepares it once for each connection, records its
//! duration, and cancels it when its caller stops waiting.

use std::sync::Arc;

use async_trait::async_trait;
use deadpool_postgres::Object;
use futures_util::future::join;
use tokio::time::Instant;
use tokio_postgres::{Row, types::ToSql};
use tracing::{
    Instrument,
    field::{Empty, display},
};

use crate::{
    cancellation::{Abandoned, Canceller},
    error::Error,
    query_metrics,
    retry::retry,
};

/// The parameters of a query, `$1` first.
pub type Parameters<'a> = &'a [&'a (dyn ToSql + Sync)];

/// A connection that runs queries: a [`PoolClient`], a [`Transaction`], or a connection of [`crate::connect`]. Query
/// functions take a `&dyn Connection`, so that they are compiled once.
#[async_trait]
pub trait Connection: Sync {
    /// Returns all rows.
    async fn query(
        &self,
        statement: &'static str,
        parameters: Parameters<'_>,
    ) -> Result<Vec<Row>, Error>;

    /// Returns the number of affected rows.
    async fn execute(
        &self,
        statement: &'static str,
        parameters: Parameters<'_>,
    ) -> Result<u64, Error>;
}

impl dyn Connection + '_ {
    /// Returns the first row, if there is one.
    pub async fn query_opt(
        &self,
        statement: &'static str,
        parameters: Parameters<'_>,
    ) -> Result<Option<Row>, Error> {
        Ok(self.query(statement, parameters).await?.into_iter().next())
    }

    /// Returns the first row.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the query returns no rows.
    pub async fn query_one(
        &self,
        statement: &'static str,
        parameters: Parameters<'_>,
    ) -> Result<Row, Error> {
        self.query_opt(statement, parameters).await?.ok_or(Error::NotFound)
    }
}

/// Returns both results. Waits for the second even if the first is an error, because dropping a running query closes
/// its connection.
///
/// # Errors
/// Returns the error of the first future, or otherwise of the second.
pub async fn both<A, B>(
    first: impl Future<Output = Result<A, Error>>,
    second: impl Future<Output = Result<B, Error>>,
) -> Result<(A, B), Error> {
    let (first, second) = join(first, second).await;
    Ok((first?, second?))
}

/// A connection of the pool. Dropping it returns the connection to the pool. If a query is still running because its
/// caller stopped waiting, the query is cancelled and the connection closed instead.
pub struct PoolClient {
    object: Option<Object>,
    canceller: Arc<Canceller>,
    abandoned: Abandoned,
}

impl PoolClient {
    pub(crate) fn new(object: Object, canceller: Arc<Canceller>) -> Self {
        Self { object: Some(object), canceller, abandoned: Abandoned::default() }
    }

    /// Returns true if a query may still run although its caller has stopped waiting.
    fn is_abandoned(&self) -> bool {
        self.abandoned.is_set()
    }

    async fn command(&self, command: &str) -> Result<(), Error> {
        // Boxing this large future makes moving it cheap.
        let answered = Box::pin(self.object().batch_execute(command));
        self.abandoned.watch(self.canceller.response_timeout, answered).await
    }

    fn object(&self) -> &Object {
        self.object.as_ref().expect("only drop takes it")
    }

    async fn query_once(
        &self,
        sql: &'static str,
        parameters: Parameters<'_>,
    ) -> Result<Vec<Row>, Error> {
        let answered = async {
            let statement = self.object().prepare_cached(sql).await?;
            self.object().query(&statement, parameters).await
        };
        self.measure(sql, answered).await
    }

    async fn execute_once(
        &self,
        sql: &'static str,
        parameters: Parameters<'_>,
    ) -> Result<u64, Error> {
        let answered = async {
            let statement = self.object().prepare_cached(sql).await?;
            self.object().execute(&statement, parameters).await
        };
        self.measure(sql, answered).await
    }

    async fn measure<T>(
        &self,
        sql: &'static str,
        answered: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Error> {
        let (started, name) = (Instant::now(), query_metrics::name(sql));
        // The span costs nothing unless traces are exported.
        let span = tracing::debug_span!(
            "statement",
            otel.name = name,
            otel.kind = "client",
            db.system.name = "postgresql",
            db.query.text = sql,
            error = Empty,
        );
        let answered = self.abandoned.watch(self.canceller.response_timeout, answered);
        let answered = answered.instrument(span.clone()).await;
        if let Err(error) = &answered {
            span.record("error", display(error));
        }
        query_metrics::observe(sql, started.elapsed());
        if let Err(Error::Conflict(_)) = &answered {
            // A migration may have made the prepared statements invalid, so the next query prepares them again.
            self.object().statement_cache.clear();
        }
        answered
    }
}

#[async_trait]
impl Connection for PoolClient {
    async fn query(
        &self,
        statement: &'static str,
        parameters: Parameters<'_>,
    ) -> Result<Vec<Row>, Error> {
        retry(|| async { self.query_once(statement, parameters).await }).await
    }

    async fn execute(
        &self,
        statement: &'static str,
        parameters: Parameters<'_>,
    ) -> Result<u64, Error> {
        retry(|| async { self.execute_once(statement, parameters).await }).await
    }
}

impl Drop for PoolClient {
    fn drop(&mut self) {
        let is_abandoned = self.is_abandoned();
        if let Some(object) = self.object.take_if(|_| is_abandoned) {
            self.canceller.cancel(Object::take(object).cancel_token());
        }
    }
}

/// Commits a transaction. After an error, PostgreSQL would turn `COMMIT` alone into a rollback without an error, but it
/// rejects the `SELECT`.
const COMMIT: &str = "SELECT; COMMIT";

/// A transaction. Dropping it rolls it back, and then returns its connection to the pool.
pub struct Transaction {
    client: Option<PoolClient>,
}

impl Transaction {
    pub(crate) async fn begin(client: PoolClient) -> Result<Self, Error> {
        client.command("BEGIN").await?;
        Ok(Self { client: Some(client) })
    }

    /// Commits the transaction.
    ///
    /// # Errors
    /// Fails if a query of the transaction has failed, because PostgreSQL then rolls back. After a lost connection, it
    /// is unknown if the database has committed.
    pub async fn commit(mut self) -> Result<(), Error> {
        self.client().command(COMMIT).await?;
        // Without a client, `drop` does not roll back.
        self.client.take();
        Ok(())
    }

    fn client(&self) -> &PoolClient {
        self.client.as_ref().expect("only commit and drop take it")
    }
}

#[async_trait]
impl Connection for Transaction {
    async fn query(
        &self,
        statement: &'static str,
        parameters: Parameters<'_>,
    ) -> Result<Vec<Row>, Error> {
        self.client().query_once(statement, parameters).await
    }

    async fn execute(
        &self,
        statement: &'static str,
        parameters: Parameters<'_>,
    ) -> Result<u64, Error> {
        self.client().execute_once(statement, parameters).await
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        // Closing an abandoned connection also rolls back, so only other connections need ROLLBACK.
        if let Some(client) = self.client.take_if(|client| !client.is_abandoned()) {
            tokio::spawn(async move { client.command("ROLLBACK").await });
        }
    }
}

#[async_trait]
impl Connection for tokio_postgres::Client {
    async fn query(
        &self,
        statement: &'static str,
        parameters: Parameters<'_>,
    ) -> Result<Vec<Row>, Error> {
        Ok(self.query(statement, parameters).await?)
    }

    async fn execute(
        &self,
        statement: &'static str,
        parameters: Parameters<'_>,
    ) -> Result<u64, Error> {
        Ok(self.execute(statement, parameters).await?)
    }
}
