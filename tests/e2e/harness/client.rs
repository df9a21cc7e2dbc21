//! Requests that must match the OpenAPI document, and rows of every resource.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures_util::future::{BoxFuture, FutureExt};
use reqwest::{RequestBuilder, header::HeaderMap};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    Identity, Operation, TestApp, problem,
    resource::{Catalog, Field, Reference, Resource},
};

/// The number of the next generated value, so that all values are different.
static NUMBER: AtomicUsize = AtomicUsize::new(0);

/// A client of the API.
pub(crate) struct Client<'a> {
    pub(crate) app: &'a TestApp,
    pub(crate) catalog: &'static Catalog,
    /// The number of rows to create in each referenced table.
    targets: usize,
    /// The ids of referenced rows, by table.
    referenced: Mutex<HashMap<String, Vec<String>>>,
    writes: Mutex<Vec<Write>>,
}

/// A write that succeeded.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Write {
    pub(crate) action: String,
    pub(crate) resource_id: Uuid,
    pub(crate) account_id: Uuid,
    pub(crate) request_id: String,
}

/// A request to an operation.
pub(crate) struct Call<'a> {
    client: &'a Client<'a>,
    operation: &'a Operation,
    caller: &'a Identity,
    request: RequestBuilder,
    path: String,
    is_repeated: bool,
}

/// A response.
pub(crate) struct Reply {
    headers: HeaderMap,
    pub(crate) body: Value,
}

impl TestApp {
    /// Creates a row of the resource at `path`, which may have parameters, and returns the row. Fields that are
    /// missing in `fields` get generated values. Referenced rows are created first.
    pub(crate) async fn create(&self, path: &str, fields: Value) -> Value {
        let client = Client::new(self, 1).await;
        let resource = client.catalog.resource_at(path);
        let resource = resource.unwrap_or_else(|| panic!("the document has no resource at {path}"));
        client.prepare(resource).await;
        let mut body = client.body(resource).await;
        for (name, value) in fields.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        let collection =
            if path.contains('{') { client.collection(resource).await } else { path.to_owned() };
        client.create(resource, &collection, &body).await.body
    }
}

impl<'a> Client<'a> {
    /// Returns a client that creates `targets` rows in each referenced table.
    pub(crate) async fn new(app: &'a TestApp, targets: usize) -> Self {
        let (referenced, writes) = Default::default();
        Self { app, catalog: Catalog::of(app).await, targets, referenced, writes }
    }

    /// Prepares a request of the member, or of the admin if the operation requires the role.
    pub(crate) fn call(&'a self, operation: &'a Operation, path: &str) -> Call<'a> {
        let is_for_admins = operation.roles().is_some_and(|roles| roles.contains("admin"));
        let caller = if is_for_admins { &self.app.administrator } else { &self.app.member };
        let request = self.app.request_anonymous(&operation.method, path);
        Call { client: self, operation, caller, request, path: path.to_owned(), is_repeated: false }
    }

    /// Creates a row.
    pub(crate) async fn create(
        &self,
        resource: &Resource,
        collection: &str,
        body: &Value,
    ) -> Reply {
        self.call(&resource.create, collection).json(body).expect(201, "the body is valid").await
    }

    /// Returns the path of a collection, below a new parent if the resource is nested.
    pub(crate) fn collection<'b>(&'b self, resource: &'b Resource) -> BoxFuture<'b, String> {
        async move {
            let Some(parent) = self.parent(resource) else { return resource.path.clone() };
            let (collection, body) = (self.collection(parent).await, self.body(parent).await);
            let created = self.create(parent, &collection, &body).await;
            let (_, segment) = resource.path.rsplit_once('/').expect("a path");
            format!("{}/{segment}", created.header("location"))
        }
        .boxed()
    }

    fn parent(&self, resource: &Resource) -> Option<&'static Resource> {
        let path = resource.parent_path()?;
        let parent = self.catalog.resource_at(path);
        Some(parent.unwrap_or_else(|| panic!("the document has no resource at {path}")))
    }

    /// Returns a body with all fields. Bodies differ if the schema allows enough values.
    pub(crate) async fn body(&self, resource: &Resource) -> Value {
        let (number, mut body) = (number(), Map::new());
        for field in &resource.fields {
            if let Some(value) = self.value_of(field, number).await {
                body.insert(field.name.clone(), value);
            }
        }
        body.into()
    }

    /// Returns another value of a field, or `None` if the field refers to a table without rows.
    pub(crate) async fn value(&self, field: &Field) -> Option<Value> {
        self.value_of(field, number()).await
    }

    fn value_of<'b>(&'b self, field: &'b Field, number: usize) -> BoxFuture<'b, Option<Value>> {
        async move {
            let Some(reference) = &field.reference else { return Some(field.values.value(number)) };
            if field.is_unique {
                return Some(self.create_target(reference).await.into());
            }
            let ids = self.referenced().get(&reference.target).cloned().unwrap_or_default();
            let id = ids.get(number % ids.len().max(1));
            if field.is_array() {
                // Returns all ids except one, in the order in which a join table returns them.
                return Some(ids.iter().filter(|it| Some(*it) != id).map(|id| json!(id)).collect());
            }
            assert!(
                id.is_some() || !field.is_required,
                "{} is part of a cycle of required references",
                field.name
            );
            id.map(|id| json!(id))
        }
        .boxed()
    }

    /// Creates the rows that bodies of a resource refer to.
    pub(crate) fn prepare<'b>(&'b self, resource: &'b Resource) -> BoxFuture<'b, ()> {
        async move {
            if let Some(parent) = self.parent(resource) {
                self.prepare(parent).await;
            }
            for reference in resource.fields.iter().filter_map(|field| field.reference.as_ref()) {
                let target = &reference.target;
                if self.referenced().contains_key(target) {
                    continue;
                }
                // The empty list prevents endless recursion for tables that refer to each other.
                self.referenced().insert(target.clone(), Vec::new());
                if let Some(resource) = self.catalog.resource_of(target) {
                    self.prepare(resource).await;
                }
                let mut ids = Vec::new();
                for _ in 0..self.targets {
                    ids.push(self.create_target(reference).await);
                }
                ids.sort();
                ids.dedup();
                self.referenced().insert(target.clone(), ids);
            }
        }
        .boxed()
    }

    /// Creates a row that a foreign key can refer to, and returns its id.
    pub(crate) async fn create_target(&self, reference: &Reference) -> String {
        let table = &reference.target;
        if table == "accounts" {
            let accounts = [&self.app.member, &self.app.administrator];
            return accounts[number() % accounts.len()].account.to_string();
        }
        let resource = self.catalog.resource_of(table);
        let resource = resource.unwrap_or_else(|| panic!("no resource creates rows of {table}"));
        let (collection, body) = (self.collection(resource).await, self.body(resource).await);
        let created = self.create(resource, &collection, &body).await;
        created.body["id"].as_str().expect("an id").to_owned()
    }

    /// Returns the successful writes since the last call.
    pub(crate) fn take_writes(&self) -> Vec<Write> {
        std::mem::take(&mut *lock(&self.writes))
    }

    fn referenced(&self) -> MutexGuard<'_, HashMap<String, Vec<String>>> {
        lock(&self.referenced)
    }
}

impl<'a> Call<'a> {
    pub(crate) fn by(self, caller: &'a Identity) -> Self {
        Self { caller, ..self }
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        Self { request: self.request.json(body), ..self }
    }

    pub(crate) fn query(self, query: &[(&str, &str)]) -> Self {
        Self { request: self.request.query(query), ..self }
    }

    pub(crate) fn header(self, name: &str, value: &str) -> Self {
        Self { request: self.request.header(name, value), ..self }
    }

    /// Marks a request that repeats an earlier request and changes nothing.
    pub(crate) fn repeated(self) -> Self {
        Self { is_repeated: true, ..self }
    }

    /// Sends the request. Panics unless the response is documented and has this status, because of `why`.
    pub(crate) async fn expect(self, status: u16, why: &str) -> Reply {
        let Self { client, operation, caller, request, path, is_repeated } = self;
        let Operation { id, method, .. } = operation;
        let response = request.bearer_auth(&caller.token).send().await.expect("a response");
        client.catalog.spec.assert_documents(operation, &response);
        let (found, headers) = (response.status().as_u16(), response.headers().clone());
        if found == status && status >= 400 {
            return Reply { headers, body: problem(response, status).await };
        }
        let text = response.text().await.expect("a body");
        let message = format!("{id}: {method} {path} must return {status}, because {why}");
        assert!(found == status, "{message}. It returns {found}: {text}");
        let body =
            if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("JSON") };
        if method != "GET" && !is_repeated {
            let row = body["id"].as_str().or_else(|| path.rsplit('/').next());
            let request_id = headers["x-request-id"].to_str().expect("ASCII").to_owned();
            let resource_id = row.and_then(|id| id.parse().ok()).expect("a UUID");
            let account_id = caller.account;
            lock(&client.writes).push(Write {
                action: id.clone(),
                resource_id,
                account_id,
                request_id,
            });
        }
        Reply { headers, body }
    }

    /// Sends the request. Panics unless the response is a problem with this status for `place`, a JSON pointer or
    /// parameter.
    pub(crate) async fn expect_error_at(self, place: &str, status: u16, why: &str) {
        let (id, path) = (&self.operation.id, self.path.clone());
        let problem = self.expect(status, why).await.body;
        let error = &problem["errors"][0];
        let found = error["pointer"].as_str().or(error["parameter"].as_str()).unwrap_or_default();
        let is_there = found == place || found.starts_with(&format!("{place}/"));
        assert!(
            is_there,
            "{id}: the problem of {path} must name {place}, because {why}: {problem}"
        );
    }
}

impl Reply {
    /// Returns a header, or an empty text.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }
}

fn number() -> usize {
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
