//! The operations that every resource has: list, create, get, replace, update and delete.
//!
//! A resource declares its fields, its queries and one handler for each operation. The handlers call [`Resource`]. The
//! code here does not depend on the fields, so it is compiled once, with this crate.

mod body;
mod fields;
mod kind;
mod operations;
mod responses;
mod schemas;
mod scope;

use std::{
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use store::{Database, Filter, Table, audit::Actor};
use uuid::Uuid;

pub use fields::{Fields, field_name};
pub use responses::{Created, Deleted, Fetched, Listed, NextPage, Updated};
pub use schemas::{Page, Patch, Stored};
pub use store::{Parent, Queries, Row as Columns};

use crate::{auth::Caller, error::ApiError, text::IdempotencyKey};
use kind::Kind;
use operations::Operations;
use responses::Reply;
use scope::Scope;

/// Returns the page size for requests without `limit`.
pub fn default_limit() -> u32 {
    20
}

/// A resource whose clients write the fields `T`.
pub struct Resource<T> {
    operations: Arc<Operations>,
    scope: Scope,
    fields: PhantomData<fn() -> T>,
}

impl<T: Fields> Resource<T> {
    /// Creates a resource with these queries. `path` is its path in the API.
    pub fn new(database: &Database, queries: &'static Queries, path: &'static str) -> Self {
        let kind = Kind {
            path,
            columns: T::COLUMNS,
            parent: T::PARENT,
            is_owned: T::IS_OWNED,
            write: fields::write::<T>,
            check_patch: fields::check_patch::<T>,
        };
        let operations = Arc::new(Operations { table: Table::new(database, queries), kind });
        Self { operations, scope: Scope::default(), fields: PhantomData }
    }

    /// Restricts operations to the items of this parent. New items belong to this parent.
    #[must_use]
    pub fn under(&self, parent: Uuid) -> Self {
        self.with(Scope { parent: Some(parent), ..self.scope })
    }

    /// Restricts operations to the items that belong to the caller's account. Admins reach the items of every account.
    /// New items belong to the caller.
    #[must_use]
    pub fn owned_by(&self, caller: &Caller) -> Self {
        self.with(Scope { owner: Some(caller.into()), ..self.scope })
    }

    fn with(&self, scope: Scope) -> Self {
        Self { operations: self.operations.clone(), scope, fields: PhantomData }
    }

    /// Returns up to `limit` items that match the filters and follow `cursor`, oldest first.
    pub fn list(
        &self,
        cursor: Option<Uuid>,
        limit: u32,
        filters: Vec<Filter>,
    ) -> Response<'_, Listed<T>> {
        self.operations.list(self.scope, cursor, limit, filters).into()
    }

    /// Stores an item. A repeated request with the same `key` returns the first response.
    pub fn create(
        &self,
        by: Actor,
        key: Option<IdempotencyKey>,
        fields: &T,
    ) -> Response<'_, Created<T>> {
        self.operations.create(self.scope, by, key, fields::to_json(fields)).into()
    }

    /// Returns the item with this id, or 304 if its version has one of the ETags of `if_none_match`.
    pub fn get(&self, id: Uuid, if_none_match: Option<String>) -> Response<'_, Fetched<T>> {
        self.operations.get(self.scope, id, if_none_match).into()
    }

    /// Sets every field of the item. Fails with 412 if its version has none of the ETags of `if_match`.
    pub fn replace(
        &self,
        by: Actor,
        id: Uuid,
        if_match: Option<String>,
        fields: &T,
    ) -> Response<'_, Updated<T>> {
        self.operations.replace(self.scope, by, id, if_match, fields::to_json(fields)).into()
    }

    /// Sets the fields that the patch has. Fails with 412 if the version has none of the ETags of `if_match`.
    pub fn update(
        &self,
        by: Actor,
        id: Uuid,
        if_match: Option<String>,
        patch: Patch<T>,
    ) -> Response<'_, Updated<T>> {
        self.operations.update(self.scope, by, id, if_match, patch.value).into()
    }

    /// Deletes the item. Fails with 412 if its version has none of the ETags of `if_match`.
    pub fn delete(
        &self,
        by: Actor,
        id: Uuid,
        if_match: Option<String>,
    ) -> Response<'_, Deleted<T>> {
        self.operations.delete(self.scope, by, id, if_match).into()
    }
}

/// A future of the response. `R` is its type in the OpenAPI document.
pub struct Response<'a, R> {
    answer: operations::Pending<'a>,
    kind: PhantomData<fn() -> R>,
}

impl<'a, R> From<operations::Pending<'a>> for Response<'a, R> {
    fn from(answer: operations::Pending<'a>) -> Self {
        Self { answer, kind: PhantomData }
    }
}

impl<R: From<Reply>> Future for Response<'_, R> {
    type Output = Result<R, ApiError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.answer.as_mut().poll(context).map_ok(R::from)
    }
}

/// Collects the values of filters, in the order of the parameters of the query `search`.
#[macro_export]
macro_rules! filters {
    ($($value:expr),* $(,)?) => {
        vec![$($crate::resource::filter($value)),*]
    };
}

/// The value of a filter; see [`crate::filters!`].
pub fn filter(value: Option<impl store::types::ToSql + Send + Sync + 'static>) -> Filter {
    Filter::from(value)
}
