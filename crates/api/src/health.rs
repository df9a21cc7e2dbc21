//! Whether the server lives, and whether it can do its work.

use std::{sync::Arc, time::Duration};

use db::{Database, migrations};
use poem_openapi::{Object, OpenApi, Tags, types::Example};
use serde::Serialize;
use tokio::sync::watch;

use crate::{error::ApiError, json::Json};

/// A database that does not answer within this is as good as gone.
const READY_TIMEOUT: Duration = Duration::from_secs(2);

/// Whether the server takes work: until it is asked to stop.
#[derive(Clone, Default)]
pub(crate) struct Readiness {
    ended: Arc<watch::Sender<bool>>,
}

impl Readiness {
    /// From now on load balancers are told to send requests elsewhere.
    pub(crate) fn end(&self) {
        self.ended.send_replace(true);
    }

    fn has_ended(&self) -> bool {
        *self.ended.borrow()
    }

    /// Resolves when the server is asked to stop: an answer without an end must end then.
    pub(crate) async fn ended(self) {
        // No error: this holds the sender.
        let _ = self.ended.subscribe().wait_for(|ended| *ended).await;
    }
}

pub(crate) struct HealthApi {
    pub(crate) database: Database,
    pub(crate) readiness: Readiness,
}

#[OpenApi(tag = "HealthTags::Health")]
impl HealthApi {
    /// Is the process alive?
    ///
    /// Never asks the database: a server whose database is away must not be restarted for it.
    #[expect(clippy::unused_async, reason = "operations are async functions")]
    #[oai(path = "/health/live", method = "get", operation_id = "getLiveness")]
    async fn live(&self) -> Json<Health> {
        Json(Health { status: "live".to_owned(), schema_version: None })
    }

    /// Can it do its work?
    ///
    /// Asks the database: 503 when it is away or when its schema is older than this server needs.
    /// And 503 as soon as the server is asked to stop, while it serves on for a while.
    #[oai(path = "/health/ready", method = "get", operation_id = "getReadiness")]
    async fn ready(&self) -> Result<Json<Health>, ApiError> {
        if self.readiness.has_ended() {
            return Err(ApiError::Stopping);
        }
        let found = schema_version(&self.database).await?;
        let needed = migrations::latest();
        if found < needed {
            return Err(ApiError::SchemaBehind { found, needed });
        }
        Ok(Json(Health { status: "ready".to_owned(), schema_version: Some(found) }))
    }
}

/// The version of the database's schema, or an error soon.
pub(crate) async fn schema_version(database: &Database) -> Result<i32, ApiError> {
    let asked = async {
        let client = database.client().await?;
        migrations::version(&client).await
    };
    let answered = tokio::time::timeout(READY_TIMEOUT, asked).await;
    Ok(answered.map_err(db::Error::unavailable)??)
}

/// How the server is.
#[derive(Debug, Serialize, Object)]
#[oai(skip_serializing_if_is_none, example)]
struct Health {
    /// `live` or `ready`.
    status: String,
    /// The number of the last migration applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    schema_version: Option<i32>,
}

impl Example for Health {
    fn example() -> Self {
        Self { status: "ready".to_owned(), schema_version: Some(migrations::latest()) }
    }
}

#[derive(Tags)]
enum HealthTags {
    /// For load balancers, container engines and people.
    Health,
}
