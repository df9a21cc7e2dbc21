//! Runs the queries of a resource: find, list, insert, update, delete.
//!
//! A resource defines the SQL. This module runs it without the types of the resource, so it is compiled only once. Rows
//! travel to PostgreSQL as JSON, because one parameter then holds any number of rows and columns. A write and its audit
//! entry are one query, see [`crate::audited!`]. Concurrent lookups and concurrent inserts share queries, see
//! [`Batcher`].

mod queries;
mod values;

use std::{collections::HashMap, sync::Arc};

use futures_util::{FutureExt, future::BoxFuture};
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

pub use queries::{Parent, Queries};
pub use values::{Filter, Json};

use crate::{
    Batcher, Connection, Database, Error, Transaction,
    audit::{self, Actor},
};

/// The maximum number of concurrent batches of finds.
const MAX_FINDS: usize = 2;

/// The maximum number of concurrent batches of inserts. Two are slower, because each commit then stores fewer rows.
const MAX_INSERTS: usize = 1;

/// A row to insert, as a JSON object with a member for each column, including the id.
#[derive(Clone)]
pub struct NewRow {
    /// The id in `json`.
    pub id: Uuid,
    /// The object.
    pub json: Arc<str>,
    /// The account and the operation that create the row.
    pub by: Actor,
}

/// A change of one row.
#[derive(Clone, Copy)]
pub struct Change<'a> {
    /// The account and the operation that make the change.
    pub by: &'a Actor,
    /// The row.
    pub id: Uuid,
    /// The versions that the row may have; `None` allows any version.
    pub versions: Option<&'a [i32]>,
    /// The values of the parameters that restrict the rows: the parent, then the owner.
    pub scope: &'a [Option<Uuid>],
}

/// The table of a resource.
pub struct Table {
    database: Database,
    queries: &'static Queries,
    finds: Batcher<Uuid, Option<Arc<Row>>>,
    inserts: Batcher<NewRow, Arc<Row>>,
}

impl Table {
    /// Creates the table. Does not connect to the database before the first call.
    pub fn new(database: &Database, queries: &'static Queries) -> Self {
        let (finds, inserts) = (database.clone(), database.clone());
        Self {
            database: database.clone(),
            queries,
            finds: Batcher::new(MAX_FINDS, move |ids| {
                let database = finds.clone();
                async move { find(&database, queries, &ids).await }.boxed()
            }),
            inserts: Batcher::new(MAX_INSERTS, move |rows| {
                let database = inserts.clone();
                async move { insert(&database.client().await?, queries, &rows).await }.boxed()
            }),
        }
    }

    /// The queries.
    pub fn queries(&self) -> &'static Queries {
        self.queries
    }

    /// Begins a transaction, for operations of more than one query.
    ///
    /// # Errors
    /// Returns the errors of [`Database::begin`].
    pub fn begin(&self) -> BoxFuture<'_, Result<Transaction, Error>> {
        self.database.begin().boxed()
    }

    /// Returns the row with this id.
    ///
    /// # Errors
    /// Returns [`Error::NotFound`] if no row has this id.
    pub fn find(&self, id: Uuid) -> BoxFuture<'_, Result<Arc<Row>, Error>> {
        async move { self.finds.call(id).await?.ok_or(Error::NotFound) }.boxed()
    }

    /// Returns up to `limit` rows that match the filters and whose id is greater than `after`, sorted by id.
    ///
    /// # Errors
    /// Returns the errors of the connection and the query.
    pub fn list<'a>(
        &'a self,
        scope: &'a [Option<Uuid>],
        filters: &'a [Filter],
        after: Uuid,
        limit: i32,
    ) -> BoxFuture<'a, Result<Vec<Row>, Error>> {
        async move {
            let mut parameters: Vec<&(dyn ToSql + Sync)> = Vec::with_capacity(8);
            parameters.extend(scope.iter().map(|value| -> &(dyn ToSql + Sync) { value }));
            let search = self.queries.search.filter(|_| filters.iter().any(Filter::is_set));
            if search.is_some() {
                parameters.extend(filters.iter().map(|value| -> &(dyn ToSql + Sync) { value }));
            }
            parameters.extend([&after as &(dyn ToSql + Sync), &limit]);
            let sql = search.unwrap_or(self.queries.list);
            self.database.client().await?.query(sql, &parameters).await
        }
        .boxed()
    }

    /// Returns true if the parent of a nested resource exists, and for a resource without a parent.
    ///
    /// # Errors
    /// Returns the errors of the connection and the query.
    pub fn has_parent(&self, parent: Uuid) -> BoxFuture<'_, Result<bool, Error>> {
        async move {
            let Some(Parent { exists, .. }) = &self.queries.parent else { return Ok(true) };
            let found = self.database.client().await?.query(exists, &[&parent]).await?;
            Ok(!found.is_empty())
        }
        .boxed()
    }

    /// Inserts a row and its audit entry. Concurrent inserts share a query.
    ///
    /// # Errors
    /// Returns [`Error::Duplicate`] or [`Error::Reference`] with the name of the violated constraint.
    pub fn insert(&self, row: NewRow) -> BoxFuture<'_, Result<Arc<Row>, Error>> {
        self.inserts.call(row).boxed()
    }

    /// Inserts a row and its audit entry as part of a transaction.
    ///
    /// # Errors
    /// Returns the errors of [`Self::insert`].
    pub fn insert_in<'a>(
        &'a self,
        transaction: &'a Transaction,
        row: NewRow,
    ) -> BoxFuture<'a, Result<Arc<Row>, Error>> {
        async move {
            let mut rows = insert(transaction, self.queries, &[row]).await?;
            rows.pop().ok_or(Error::NotFound)
        }
        .boxed()
    }

    /// Sets the columns in the JSON object `fields`, and increments the version. Returns the new row, or `None` if no
    /// row has this id, one of these versions and this scope.
    ///
    /// # Errors
    /// Returns [`Error::Duplicate`] or [`Error::Reference`] with the name of the violated constraint.
    pub fn update<'a>(
        &'a self,
        change: Change<'a>,
        fields: &'a str,
    ) -> BoxFuture<'a, Result<Option<Row>, Error>> {
        self.change(self.queries.update, Some(fields), change)
    }

    /// Sets all columns to the values in the JSON object `fields`. Otherwise works like [`Self::update`].
    ///
    /// # Errors
    /// Returns the errors of [`Self::update`].
    pub fn replace<'a>(
        &'a self,
        change: Change<'a>,
        fields: &'a str,
    ) -> BoxFuture<'a, Result<Option<Row>, Error>> {
        self.change(self.queries.replace.unwrap_or(self.queries.update), Some(fields), change)
    }

    /// Deletes the row. Returns `None` if no row has this id, one of these versions and this scope.
    ///
    /// # Errors
    /// Returns [`Error::Reference`] if other rows refer to this row.
    pub fn delete<'a>(&'a self, change: Change<'a>) -> BoxFuture<'a, Result<Option<Row>, Error>> {
        self.change(self.queries.delete, None, change)
    }

    fn change<'a>(
        &'a self,
        sql: &'static str,
        fields: Option<&'a str>,
        change: Change<'a>,
    ) -> BoxFuture<'a, Result<Option<Row>, Error>> {
        async move {
            let Change { by, id, versions, scope } = change;
            let fields = fields.map(Json);
            let audit = audit::entries([(by, self.queries.name, id)]);
            let audit = Json(&audit);
            let mut parameters: Vec<&(dyn ToSql + Sync)> = Vec::with_capacity(8);
            parameters.extend(fields.iter().map(|fields| -> &(dyn ToSql + Sync) { fields }));
            parameters.extend([&id as &(dyn ToSql + Sync), &versions]);
            parameters.extend(scope.iter().map(|value| -> &(dyn ToSql + Sync) { value }));
            parameters.push(&audit);
            let client = self.database.client().await?;
            let client: &dyn Connection = &client;
            client.query_opt(sql, &parameters).await
        }
        .boxed()
    }
}

async fn find(
    database: &Database,
    queries: &Queries,
    ids: &[Uuid],
) -> Result<Vec<Option<Arc<Row>>>, Error> {
    let mut rows = by_id(database.client().await?.query(queries.find, &[&ids]).await?);
    if let [id] = ids {
        return Ok(vec![rows.remove(id)]);
    }
    // The row is cloned, because several callers may request the same id.
    Ok(ids.iter().map(|id| rows.get(id).cloned()).collect())
}

/// Inserts rows, each with its audit entry, and returns them in the same order.
async fn insert(
    client: &dyn Connection,
    queries: &Queries,
    rows: &[NewRow],
) -> Result<Vec<Arc<Row>>, Error> {
    let json = rows.iter().map(|row| &*row.json).collect::<Vec<_>>().join(",");
    let json = format!("[{json}]");
    let audit = audit::entries(rows.iter().map(|row| (&row.by, queries.name, row.id)));
    let stored = client.query(queries.insert, &[&Json(&json), &Json(&audit)]).await?;
    // PostgreSQL may return the rows in another order.
    let mut stored = by_id(stored);
    rows.iter().map(|row| stored.remove(&row.id).ok_or(Error::NotFound)).collect()
}

fn by_id(rows: Vec<Row>) -> HashMap<Uuid, Arc<Row>> {
    rows.into_iter().map(|row| (row.get("id"), Arc::new(row))).collect()
}
