//! The audit log: each change with its actor, written in the transaction of the change.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use crate::{connection::Connection, error::Error};

/// The author of a change, and the operation.
#[derive(Debug, Clone)]
pub struct Actor {
    /// The account, or `None` for a command on the server.
    pub account_id: Option<Uuid>,
    /// The token, or `None` after authentication by password.
    pub token_id: Option<Uuid>,
    /// The operation id in the OpenAPI document.
    pub action: &'static str,
    /// The request, or `None` for a command on the server.
    pub request_id: Option<Arc<str>>,
}

/// An entry of the audit log.
#[derive(Debug, Clone)]
pub struct Entry {
    /// A UUID of version 7.
    pub id: Uuid,
    /// The start time of the transaction.
    pub at: DateTime<Utc>,
    /// The account, or `None` for a command on the server.
    pub account_id: Option<Uuid>,
    /// The token, or `None` after authentication by password.
    pub token_id: Option<Uuid>,
    /// The operation id in the OpenAPI document.
    pub action: String,
    /// The resource, such as `person`, `account` or `session`.
    pub resource: String,
    /// The id of the changed row.
    pub resource_id: Uuid,
    /// The request, or `None` for a command on the server, and for entries older than this column.
    pub request_id: Option<String>,
}

const RECORD: &str = "\
-- store::audit::record
INSERT INTO audit_entries (id, account_id, token_id, action, resource, resource_id, request_id)
VALUES ($1, $2, $3, $4, $5, $6, $7)";

const LIST: &str = "\
-- store::audit::list
SELECT id, at, account_id, token_id, action, resource, resource_id, request_id FROM audit_entries
WHERE id < $1 ORDER BY id DESC LIMIT $2";

const LIST_OF_RESOURCE: &str = "\
-- store::audit::list_of_resource
SELECT id, at, account_id, token_id, action, resource, resource_id, request_id FROM audit_entries
WHERE resource = $3 AND id < $1 ORDER BY id DESC LIMIT $2";

/// Records that `by` changes the `resource` with this id. To save a round trip to the database, run this function
/// concurrently with the change, with [`crate::both`].
pub async fn record(
    transaction: &dyn Connection,
    by: &Actor,
    resource: &str,
    id: Uuid,
) -> Result<(), Error> {
    let Actor { account_id, token_id, action, request_id } = by;
    let (entry, request_id) = (Uuid::now_v7(), request_id.as_deref());
    transaction
        .execute(RECORD, &[&entry, account_id, token_id, action, &resource, &id, &request_id])
        .await?;
    Ok(())
}

/// Returns the entry of one change as JSON, for the last parameter of a query with [`crate::audited!`].
pub fn entry(by: &Actor, resource: &str, id: Uuid) -> String {
    entries([(by, resource, id)])
}

/// Returns the audit entries of changes as JSON. A change has an actor, the type of the resource and its id.
pub(crate) fn entries<'a>(changes: impl IntoIterator<Item = (&'a Actor, &'a str, Uuid)>) -> String {
    #[derive(Serialize)]
    struct NewEntry<'a> {
        id: Uuid,
        account_id: Option<Uuid>,
        token_id: Option<Uuid>,
        action: &'a str,
        resource: &'a str,
        resource_id: Uuid,
        request_id: Option<&'a str>,
    }
    let entry = |(by, resource, resource_id): (&'a Actor, &'a str, Uuid)| NewEntry {
        id: Uuid::now_v7(),
        account_id: by.account_id,
        token_id: by.token_id,
        action: by.action,
        resource,
        resource_id,
        request_id: by.request_id.as_deref(),
    };
    let entries: Vec<_> = changes.into_iter().map(entry).collect();
    serde_json::to_string(&entries).expect("the entries have text keys")
}

/// Returns up to `limit` changes that are older than `before`, newest first, of one resource type or of all.
pub async fn list(
    client: &dyn Connection,
    resource: Option<&str>,
    before: Option<Uuid>,
    limit: u32,
) -> Result<Vec<Entry>, Error> {
    let (before, limit) = (before.unwrap_or(Uuid::max()), i64::from(limit));
    let rows = match resource {
        None => client.query(LIST, &[&before, &limit]).await?,
        Some(resource) => client.query(LIST_OF_RESOURCE, &[&before, &limit, &resource]).await?,
    };
    let entry = |row: &tokio_postgres::Row| Entry {
        id: row.get("id"),
        at: row.get("at"),
        account_id: row.get("account_id"),
        token_id: row.get("token_id"),
        action: row.get("action"),
        resource: row.get("resource"),
        resource_id: row.get("resource_id"),
        request_id: row.get("request_id"),
    };
    Ok(rows.iter().map(entry).collect())
}
