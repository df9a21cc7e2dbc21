//! Whether the server takes work, and whether its database answers.

use std::{sync::Arc, time::Duration};

use store::{Database, migrations};
use tokio::sync::watch;

use crate::error::ApiError;

/// A database that does not answer within this is as good as gone.
const READY_TIMEOUT: Duration = Duration::from_secs(2);

/// Whether the server takes work: until it is asked to stop.
#[derive(Clone, Default)]
pub struct Readiness {
    ended: Arc<watch::Sender<bool>>,
}

impl Readiness {
    /// From now on load balancers are told to send requests elsewhere.
    pub(crate) fn end(&self) {
        self.ended.send_replace(true);
    }

    /// Whether the server is to stop.
    pub fn has_ended(&self) -> bool {
        *self.ended.borrow()
    }

    /// Resolves when the server is asked to stop: an answer without an end must end then.
    pub(crate) async fn ended(self) {
        // No error: this holds the sender.
        let _ = self.ended.subscribe().wait_for(|ended| *ended).await;
    }
}

/// The version of the database's schema, or an error soon.
pub async fn schema_version(database: &Database) -> Result<i32, ApiError> {
    let asked = async {
        let client = database.client().await?;
        migrations::version(&client).await
    };
    let answered = tokio::time::timeout(READY_TIMEOUT, asked).await;
    Ok(answered.map_err(store::Error::unavailable)??)
}
