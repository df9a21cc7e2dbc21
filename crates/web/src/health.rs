//! Readiness of the server and of its database.

use std::{sync::Arc, time::Duration};

use store::{Database, migrations};
use tokio::sync::watch;

use crate::error::ApiError;

/// The time limit of the readiness query.
const READY_TIMEOUT: Duration = Duration::from_secs(2);

/// The readiness of the server, which ends when the server is asked to stop.
#[derive(Clone, Default)]
pub struct Readiness {
    ended: Arc<watch::Sender<bool>>,
}

impl Readiness {
    /// Reports the server as not ready, so that load balancers stop sending requests.
    pub(crate) fn end(&self) {
        self.ended.send_replace(true);
    }

    /// Returns true if the server was asked to stop.
    pub fn has_ended(&self) -> bool {
        *self.ended.borrow()
    }

    /// Resolves when the server is asked to stop. Endless responses must end then.
    pub(crate) async fn ended(self) {
        // Waiting cannot fail, because `self` owns the sender.
        let _ = self.ended.subscribe().wait_for(|ended| *ended).await;
    }
}

/// Returns the version of the database's schema.
///
/// # Errors
/// Returns an error if the database does not respond within 2 s or does not have a schema.
pub async fn schema_version(database: &Database) -> Result<i32, ApiError> {
    let asked = async {
        let client = database.client().await?;
        migrations::version(&client).await
    };
    let answered = tokio::time::timeout(READY_TIMEOUT, asked).await;
    Ok(answered.map_err(store::Error::unavailable)??)
}
