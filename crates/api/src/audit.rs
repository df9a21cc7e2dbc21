//! The audit: who changed what, and when.

use chrono::{DateTime, Utc};
use db::{Database, audit as rows};
use poem_openapi::{Object, OpenApi, param::Query, types::Example};
use serde::Serialize;
use uuid::Uuid;
use web::{accounts::Tags, auth::Admin, error::ApiError, examples, json::Json, text::Search};

pub(crate) struct AuditApi {
    pub(crate) database: Database,
}

#[OpenApi(tag = "Tags::Accounts")]
impl AuditApi {
    /// List changes
    ///
    /// For admins; the newest first. A page at a time: pass a page's `next` as `cursor` to get the
    /// one after it.
    #[oai(path = "/audit", method = "get", operation_id = "listChanges")]
    async fn list(
        &self,
        _caller: Admin,
        /// How many changes at most.
        #[oai(default = "default_limit", validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<u32>,
        /// The `next` of the page before.
        cursor: Query<Option<Uuid>>,
        /// Only changes of this kind of resource, for example `person`.
        resource: Query<Option<Search<1, 63>>>,
    ) -> Result<Json<ChangePage>, ApiError> {
        let resource = resource.0.map(|resource| resource.0);
        let client = self.database.client().await?;
        // One more than asked for tells whether there is a next page.
        let mut found = rows::list(&client, resource.as_deref(), cursor.0, limit.0 + 1).await?;
        let is_last = found.len() <= limit.0 as usize;
        found.truncate(limit.0 as usize);
        let next = found.last().filter(|_| !is_last).map(|last| last.id);
        Ok(Json(ChangePage { items: found.into_iter().map(Change::from).collect(), next }))
    }
}

/// One change.
#[derive(Debug, Serialize, Object)]
#[oai(skip_serializing_if_is_none, example)]
struct Change {
    /// A UUID of version 7.
    id: Uuid,
    /// When, in UTC.
    at: DateTime<Utc>,
    /// Whose account changed it; absent for a command on the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<Uuid>,
    /// By which session or API token; absent where a password was the proof.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_id: Option<Uuid>,
    /// By which operation, as this document names it.
    action: String,
    /// What was changed, as the filter `resource` names it.
    resource: String,
    /// Which of them.
    resource_id: Uuid,
    /// The `X-Request-Id` of the request, which the server's log has as well; absent for a command on
    /// the server.
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
    /// The changes of this page, the newest first.
    items: Vec<Change>,
    /// What to pass as `cursor` for the next page; absent on the last one.
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

fn default_limit() -> u32 {
    20
}
