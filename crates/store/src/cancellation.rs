//! Cancels queries whose caller no longer waits, and closes their connections.

use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};

use tokio::time::timeout;
use tokio_postgres::CancelToken;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::Error;

/// The time limit of a request to cancel a query.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(3);

/// Cancels the queries of connections whose caller no longer waits.
pub(crate) struct Canceller {
    pub(crate) connector: MakeRustlsConnect,
    /// The maximum time to wait for a response of the server.
    pub(crate) response_timeout: Duration,
}

impl Canceller {
    pub(crate) fn cancel(&self, token: CancelToken) {
        let connector = self.connector.clone();
        tokio::spawn(async move {
            if let Ok(Err(error)) = timeout(CANCEL_TIMEOUT, token.cancel_query(connector)).await {
                tracing::debug!(%error, "cannot cancel a query");
            }
        });
    }
}

/// Records that the caller of a connection stopped waiting for a query.
#[derive(Default)]
pub(crate) struct Abandoned(AtomicBool);

impl Abandoned {
    /// Returns true if the query may still run although its request has ended.
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Relaxed)
    }

    /// Returns the result of `work`. The server itself cancels a slow query, so a server that has not responded after
    /// `limit` is unreachable.
    pub(crate) async fn watch<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Error> {
        let abandon_on_drop = AbandonOnDrop(&self.0);
        let answered = timeout(limit, work).await.map_err(Error::unavailable)?;
        std::mem::forget(abandon_on_drop);
        Ok(answered?)
    }
}

/// Marks the connection as abandoned if it is dropped before the response.
struct AbandonOnDrop<'a>(&'a AtomicBool);

impl Drop for AbandonOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}
