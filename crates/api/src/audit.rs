//! The audit: a list of all changes to rows, for admins.

use chrono::{DateTime, Utc};
use db::{Database, audit as rows};
use poem_openapi::{Object, OpenApi, param::Query, types::Example};
use serde::Serialize;
use uuid::Uuid;
use web::{
    accounts::Tags, auth::Admin, error::ApiError, examples, json::Json, resource::default_limit,
    text::Search,
};

pub(crate) struct AuditApi {
    pub(crate) database: Database,
}

#[OpenApi(tag = "Tags::Accounts")]
impl AuditApi {
    /// List changes
    ///
    /// Returns a page of the audit, newest changes first. Requires the role `admin`. To get the following page, pass
    /// `next` of this page as `cursor`.
    #[oai(path = "/audit", method = "get", operation_id = "listChanges")]
    async fn list(
        &self,
        _caller: Admin,
        /// The maximum number of changes in the page.
        #[oai(default = "default_limit", validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<u32>,
        /// `next` of the previous page.
        cursor: Query<Option<Uuid>>,
        /// Returns only changes of this resource type, for example `person`.
        resource: Query<Option<Search<1, 63>>>,
    ) -> Result<Json<ChangePage>, ApiError> {
        let resource = resource.0.map(|resource| resource.0);
        let client = self.database.client().await?;
        // Reads one row more than requested. If this row exists, another page follows.
        let mut found = rows::list(&client, resource.as_deref(), cursor.0, limit.0 + 1).await?;
        let is_last = found.len() <= limit.0 as usize;
        found.truncate(limit.0 as usize);
        let next = found.last().filter(|_| !is_last).map(|last| last.id);
        Ok(Json(ChangePage { items: found.into_iter().map(Change::from).collect(), next }))
    }
}

/// A change of one row.
#[derive(Debug, Serialize, Object)]
#[oai(skip_serializing_if_is_none, example)]
struct Change {
    /// The ID of the change, a UUID of version 7.
    id: Uuid,
    /// The time of the change, in UTC.
    at: DateTime<Utc>,
    /// The account that made the change. Absent if a command on the server made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<Uuid>,
    /// The ID of the session or API token that authenticated the request. Absent if a password did.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_id: Option<Uuid>,
    /// The `operationId` of the operation that made the change, for example `updatePerson`.
    action: String,
    /// The type of the changed resource, for example `person`.
    resource: String,
    /// The ID of the changed resource.
    resource_id: Uuid,
    /// The `X-Request-Id` of the request, which is also in the server's log. Absent for a command on the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
}

impl Example for Change {
    fn example() -> Self {
        Self {
            id: examples::OTHER,
            at: examples::time(),
            account_id: Some(examples::ACCOUNT),
            token_id: Some(examples::OTHER),
            action: "updatePerson".to_owned(),
            resource: "person".to_owned(),
            resource_id: examples::OTHER,
            request_id: Some(examples::OTHER.to_string()),
        }
    }
}

/// A page of changes.
#[derive(Debug, Serialize, Object)]
#[oai(skip_serializing_if_is_none, example)]
struct ChangePage {
    /// The changes of this page, newest first.
    items: Vec<Change>,
    /// The `cursor` of the next page. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Uuid>,
}

impl Example for ChangePage {
    fn example() -> Self {
        Self { items: vec![Change::example()], next: Some(examples::OTHER) }
    }
}

impl From<rows::Entry> for Change {
    fn from(entry: rows::Entry) -> Self {
        Self {
            id: entry.id,
            at: entry.at,
            account_id: entry.account_id,
            token_id: entry.token_id,
            action: entry.action,
            resource: entry.resource,
            resource_id: entry.resource_id,
            request_id: entry.request_id,
        }
    }
}
