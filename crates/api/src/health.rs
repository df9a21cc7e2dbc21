//! The health checks: liveness and readiness.

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
    /// Check liveness
    ///
    /// Returns 200 while the process runs. Does not query the database, because restarting the server does not
    /// repair an unreachable database.
    #[expect(clippy::unused_async, reason = "operations are async functions")]
    #[oai(path = "/health/live", method = "get", operation_id = "getLiveness")]
    async fn live(&self) -> Json<Health> {
        Json(Health { status: "live".to_owned(), schema_version: None })
    }

    /// Check readiness
    ///
    /// Returns 200 if the server can handle requests. Returns 503 if the database is unreachable or its schema is
    /// older than this server needs, and during a graceful shutdown.
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

/// The result of a health check.
#[derive(Debug, Serialize, Object)]
#[oai(skip_serializing_if_is_none, example)]
struct Health {
    /// `live` or `ready`, depending on the check.
    status: String,
    /// The version of the last applied migration. Only present in the readiness check.
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
    /// Health checks for load balancers and container engines.
    Health,
}
