//! The operations, without the types of the resource.

use std::sync::Arc;

use futures_util::{FutureExt, future::BoxFuture};
use poem::http::StatusCode;
use serde_json::{Map, Value};
use store::{Change, Error as DbError, Filter, NewRow, Row, Table, audit::Actor};
use uuid::Uuid;

use super::{
    body::{item, page},
    kind::Kind,
    responses::Reply,
    scope::Scope,
};
use crate::{
    error::{ApiError, DatabaseResult, FieldError},
    etag::{self, ETag},
    idempotency::Request,
    text::IdempotencyKey,
};

/// The maximum number of attempts of a change while other requests change the same row.
const MAX_ATTEMPTS: usize = 50;

/// A resource at run time.
pub(super) struct Operations {
    pub(super) table: Table,
    pub(super) kind: Kind,
}

/// The future of a response.
pub(super) type Pending<'a> = BoxFuture<'a, Result<Reply, ApiError>>;

impl Operations {
    pub(super) fn list(
        &self,
        scope: Scope,
        cursor: Option<Uuid>,
        limit: u32,
        filters: Vec<Filter>,
    ) -> Pending<'_> {
        async move {
            let parameters = scope.parameters(&self.kind);
            // Reads one row more than requested. If this row exists, another page follows.
            let limit = i32::try_from(limit).unwrap_or(i32::MAX - 1);
            let after = cursor.unwrap_or_default();
            let mut rows = self.table.list(&parameters, &filters, after, limit + 1).await?;
            if let (true, Some(parent)) = (rows.is_empty(), scope.parent) {
                self.require_parent(parent).await?;
            }
            let limit = usize::try_from(limit).unwrap_or_default();
            let has_next = rows.len() > limit;
            rows.truncate(limit);
            let next = rows.last().filter(|_| has_next).map(|last| last.get("id"));
            Ok(Reply::new(StatusCode::OK, page(&self.kind, &rows, next)).with_next(next))
        }
        .boxed()
    }

    pub(super) fn create(
        &self,
        scope: Scope,
        by: Actor,
        key: Option<IdempotencyKey>,
        mut fields: Map<String, Value>,
    ) -> Pending<'_> {
        async move {
            let request = key.map(|key| {
                let operation = format!("{} {}", by.action, scope.parent.unwrap_or_default());
                Request::new(&by, &key, &operation, &fields)
            });
            let id = Uuid::now_v7();
            fields.insert("id".to_owned(), id.to_string().into());
            for (column, value) in scope.columns(&self.kind) {
                fields.insert(column.to_owned(), value.to_string().into());
            }
            let row = NewRow { id, json: Value::Object(fields).to_string().into(), by };
            let Some(request) = request else {
                let stored = self.table.insert(row).await;
                let stored = stored.map_err(|error| self.refused(error))?;
                return Ok(self.created(scope, &stored));
            };
            store::retry(|| async {
                let transaction = self.table.begin().await?;
                if let Some(stored) = request.stored_response(&transaction).await? {
                    return Ok(stored.into());
                }
                let stored = self.table.insert_in(&transaction, row.clone()).await;
                let stored = stored.map_err(|error| self.refused(error))?;
                let answer = self.created(scope, &stored);
                request.store_response(&transaction, answer.raw()).await?;
                transaction.commit().await?;
                Ok(answer)
            })
            .await
        }
        .boxed()
    }

    pub(super) fn get(&self, scope: Scope, id: Uuid, if_none_match: Option<String>) -> Pending<'_> {
        async move {
            let row = self.find(scope, id).await?;
            let etag = ETag(row.get("version"));
            if if_none_match.is_some_and(|known| etag::matches(&known, etag)) {
                return Ok(Reply::not_modified(etag));
            }
            Ok(Reply::new(StatusCode::OK, item(&self.kind, &row)).with_etag(etag))
        }
        .boxed()
    }

    pub(super) fn replace(
        &self,
        scope: Scope,
        by: Actor,
        id: Uuid,
        if_match: Option<String>,
        mut fields: Map<String, Value>,
    ) -> Pending<'_> {
        for column in self.kind.columns {
            fields.entry(*column).or_insert(Value::Null);
        }
        self.change(scope, by, id, if_match, Write::Replace(Value::Object(fields).to_string()))
    }

    pub(super) fn update(
        &self,
        scope: Scope,
        by: Actor,
        id: Uuid,
        if_match: Option<String>,
        patch: Value,
    ) -> Pending<'_> {
        async move {
            let patch = (self.kind.check_patch)(&patch).map_err(|_| ApiError::invalid_format())?;
            self.change(scope, by, id, if_match, Write::Update(patch.to_string())).await
        }
        .boxed()
    }

    pub(super) fn delete(
        &self,
        scope: Scope,
        by: Actor,
        id: Uuid,
        if_match: Option<String>,
    ) -> Pending<'_> {
        self.change(scope, by, id, if_match, Write::Delete)
    }

    fn change(
        &self,
        scope: Scope,
        by: Actor,
        id: Uuid,
        if_match: Option<String>,
        write: Write,
    ) -> Pending<'_> {
        async move {
            let versions = if_match.as_deref().and_then(etag::versions);
            let parameters = scope.parameters(&self.kind);
            for _ in 0..MAX_ATTEMPTS {
                let versions = versions.as_deref();
                let change = Change { by: &by, id, versions, scope: &parameters };
                let changed = match &write {
                    Write::Replace(fields) => self.table.replace(change, fields).await,
                    Write::Update(fields) => self.table.update(change, fields).await,
                    Write::Delete => self.table.delete(change).await,
                };
                if let Some(row) = changed.map_err(|error| self.refused(error))? {
                    return Ok(match write {
                        Write::Delete => Reply::no_content(),
                        _ => Reply::new(StatusCode::OK, item(&self.kind, &row))
                            .with_etag(ETag(row.get("version"))),
                    });
                }
                // No row was changed. The row is missing, has another version, or was changed by a concurrent request.
                let version: i32 = self.find(scope, id).await?.get("version");
                if versions.is_some_and(|versions| !versions.contains(&version)) {
                    return Err(ApiError::Stale);
                }
            }
            Err(DbError::unavailable(Contended).into())
        }
        .boxed()
    }

    async fn find(&self, scope: Scope, id: Uuid) -> Result<Arc<Row>, ApiError> {
        let row = self.table.find(id).await;
        let row = row.and_then(|row| {
            if scope.has(&self.kind, &row) { Ok(row) } else { Err(DbError::NotFound) }
        });
        row.or_not_found(self.table.queries().name)
    }

    async fn require_parent(&self, parent: Uuid) -> Result<(), ApiError> {
        match &self.table.queries().parent {
            Some(known) if !self.table.has_parent(parent).await? => {
                Err(ApiError::NotFound(known.name))
            }
            _ => Ok(()),
        }
    }

    /// Returns the error for a violated constraint. The name of the constraint contains the name of the field.
    fn refused(&self, error: DbError) -> ApiError {
        let queries = self.table.queries();
        let (constraint, ending, problem) = match &error {
            DbError::Duplicate { constraint } => (constraint, "_key", "is already taken"),
            DbError::Reference { constraint } => (constraint, "_fkey", "refers to nothing"),
            _ => return error.into(),
        };
        let known = queries.constraints.iter().find(|(name, ..)| name == constraint);
        if let Some((_, field, problem)) = known {
            return ApiError::Conflict(vec![FieldError::new(format!("/{field}"), *problem)]);
        }
        let column = constraint.strip_prefix(queries.table).and_then(|it| it.strip_prefix('_'));
        match (column.and_then(|column| column.strip_suffix(ending)), &queries.parent) {
            (Some(column), Some(parent)) if self.kind.parent == Some(column) => {
                ApiError::NotFound(parent.name)
            }
            (Some(column), _) => {
                ApiError::Conflict(vec![FieldError::new(format!("/{column}"), problem)])
            }
            (None, _) => error.into(),
        }
    }

    fn created(&self, scope: Scope, row: &Row) -> Reply {
        let parent = scope.parent.unwrap_or_default().to_string();
        let segment =
            |segment: &'static str| if segment.starts_with(':') { &*parent } else { segment };
        let path = self.kind.path.split('/').map(segment).collect::<Vec<_>>().join("/");
        let id: Uuid = row.get("id");
        Reply::new(StatusCode::CREATED, item(&self.kind, row))
            .with_etag(ETag(row.get("version")))
            .with_location(&format!("{path}/{id}"))
    }
}

/// A change of one row.
enum Write {
    Replace(String),
    Update(String),
    Delete,
}

#[derive(Debug, thiserror::Error)]
#[error("other requests keep changing the row")]
struct Contended;
