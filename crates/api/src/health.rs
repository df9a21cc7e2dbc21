//! Whether the server lives, and whether it can do its work.

use db::{Database, migrations};
use poem_openapi::{Object, OpenApi, Tags, types::Example};
use serde::Serialize;
use web::{
    error::ApiError,
    health::{Readiness, schema_version},
    json::Json,
};

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
