//! Requests whose responses must be as the document describes them, and rows for the tests.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures_util::future::{BoxFuture, FutureExt};
use reqwest::{RequestBuilder, header::HeaderMap};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    audit::Write,
    resource::{Field, Reference, Resource},
};
use crate::harness::{Identity, Operation, Spec, TestApp, problem};

/// How many rows there are of each table for others to refer to.
const REFERENCED: usize = 3;

/// A client of an API that several resources are tested with, one after the other.
pub(super) struct Client {
    pub(super) app: TestApp,
    pub(super) spec: Arc<Spec>,
    pub(super) resources: Arc<Vec<Resource>>,
    /// An account that owns nothing.
    pub(super) other: Identity,
    /// The writes that succeeded.
    pub(super) writes: Mutex<Vec<Write>>,
    numbers: AtomicUsize,
    /// The ids of rows for others to refer to, by table.
    referenced: Mutex<HashMap<String, Vec<String>>>,
}

/// A request to an operation.
pub(super) struct Call<'a> {
    client: &'a Client,
    operation: &'a Operation,
    caller: &'a Identity,
    request: RequestBuilder,
    path: String,
    is_repeated: bool,
}

/// A response.
pub(super) struct Reply {
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

impl Client {
    pub(super) async fn new(spec: Arc<Spec>, resources: Arc<Vec<Resource>>) -> Self {
        let app = TestApp::spawn().await;
        let other = Identity::new("member");
        other.store(&app.database.connect().await).await;
        let (writes, numbers, referenced) = Default::default();
        Self { app, spec, resources, other, writes, numbers, referenced }
    }

    /// Prepares a request of the least account that has the roles for the operation.
    pub(super) fn call<'a>(&'a self, operation: &'a Operation, path: &str) -> Call<'a> {
        let is_for_admins = operation.roles().is_some_and(|roles| roles.contains("admin"));
        let caller = if is_for_admins { &self.app.administrator } else { &self.app.member };
        let request = self.app.request_as_nobody(&operation.method, path);
        Call { client: self, operation, caller, request, path: path.to_owned(), is_repeated: false }
    }

    /// Returns a number that no other value of this API was made from.
    pub(super) fn number(&self) -> usize {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Returns the path of a collection; if the resource is nested, below a new parent.
    pub(super) fn collection<'a>(&'a self, resource: &'a Resource) -> BoxFuture<'a, String> {
        async move {
            let Some(path) = resource.parent_path() else { return resource.path.clone() };
            let parent = self.resources.iter().find(|it| it.has_items_at(path));
            let parent = parent.unwrap_or_else(|| panic!("no resource has items at {path}"));
            let (collection, body) = (self.collection(parent).await, self.body(parent).await);
            let created = self
                .call(&parent.create, &collection)
                .json(&body)
                .expect(201, "the body is valid")
                .await;
            let (_, segment) = resource.path.rsplit_once('/').expect("a path");
            format!("{}/{segment}", created.location())
        }
        .boxed()
    }

    /// Returns a body with all fields, and with other values than every other body has.
    pub(super) async fn body(&self, resource: &Resource) -> Value {
        let (number, mut body) = (self.number(), Map::new());
        for field in &resource.fields {
            if let Some(value) = self.value(field, number).await {
                body.insert(field.name.clone(), value);
            }
        }
        body.into()
    }

    /// Returns the value of a field in the body with this number. An optional reference is left out while the rows
    /// that it could refer to are created.
    pub(super) fn value<'a>(
        &'a self,
        field: &'a Field,
        number: usize,
    ) -> BoxFuture<'a, Option<Value>> {
        async move {
            let Some(reference) = &field.reference else { return Some(field.values.value(number)) };
            if field.is_unique {
                return Some(self.create_target(reference).await.into());
            }
            let ids = self.referenced().get(&reference.target).cloned().unwrap_or_default();
            if ids.is_empty() {
                let may_be_absent = field.is_array() || !field.is_required;
                assert!(
                    may_be_absent,
                    "{} requires a row of a table that requires this one",
                    field.name
                );
                return field.is_array().then(|| json!([]));
            }
            let id = &ids[number % ids.len()];
            if !field.is_array() {
                return Some(json!(id));
            }
            // In the order of the ids, as a join table returns them.
            Some(ids.iter().filter(|it| *it != id).map(|id| json!(id)).collect())
        }
        .boxed()
    }

    /// Creates rows for the references of a resource, and for theirs.
    pub(super) fn prepare<'a>(&'a self, resource: &'a Resource) -> BoxFuture<'a, ()> {
        async move {
            for reference in resource.fields.iter().filter_map(|field| field.reference.as_ref()) {
                let target = &reference.target;
                if self.referenced().contains_key(target) {
                    continue;
                }
                self.referenced().insert(target.clone(), Vec::new());
                if let Some(resource) = self.resource_of(target) {
                    self.prepare(resource).await;
                }
                let mut ids = Vec::new();
                for _ in 0..REFERENCED {
                    ids.push(self.create_target(reference).await);
                }
                ids.sort();
                ids.dedup();
                self.referenced().insert(target.clone(), ids);
            }
            if let Some(parent) = resource
                .parent_path()
                .and_then(|path| self.resources.iter().find(|it| it.has_items_at(path)))
            {
                self.prepare(parent).await;
            }
        }
        .boxed()
    }

    pub(super) fn resource_of(&self, table: &str) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.table == table)
    }

    /// Creates a row for a foreign key to refer to, and returns its id.
    pub(super) async fn create_target(&self, reference: &Reference) -> String {
        let table = &reference.target;
        if table == "accounts" {
            let accounts = [&self.app.member, &self.app.administrator];
            return accounts[self.number() % accounts.len()].account.to_string();
        }
        let resource = self.resource_of(table);
        let resource =
            resource.unwrap_or_else(|| panic!("no resource creates the rows of {table}"));
        let (collection, body) = (self.collection(resource).await, self.body(resource).await);
        let created = self
            .call(&resource.create, &collection)
            .json(&body)
            .expect(201, "the body is valid")
            .await;
        created.body["id"].as_str().expect("an id").to_owned()
    }

    fn referenced(&self) -> std::sync::MutexGuard<'_, HashMap<String, Vec<String>>> {
        self.referenced.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a> Call<'a> {
    pub(super) fn by(self, caller: &'a Identity) -> Self {
        Self { caller, ..self }
    }

    pub(super) fn json(self, body: &Value) -> Self {
        Self { request: self.request.json(body), ..self }
    }

    pub(super) fn query(self, query: &[(&str, &str)]) -> Self {
        Self { request: self.request.query(query), ..self }
    }

    pub(super) fn header(self, name: &str, value: &str) -> Self {
        Self { request: self.request.header(name, value), ..self }
    }

    /// Marks a request that was answered before, and changes nothing.
    pub(super) fn repeated(self) -> Self {
        Self { is_repeated: true, ..self }
    }

    /// Sends the request and panics unless the response has this status, because of `why`, and is as documented.
    pub(super) async fn expect(self, status: u16, why: &str) -> Reply {
        let Self { client, operation, caller, request, path, is_repeated } = self;
        let Operation { id, method, .. } = operation;
        let response = request.bearer_auth(&caller.token).send().await.expect("a response");
        client.spec.assert_documents(operation, &response);
        let (found, headers) = (response.status().as_u16(), response.headers().clone());
        if found == status && status >= 400 {
            return Reply { headers, body: problem(response, status).await };
        }
        let text = response.text().await.expect("a body");
        assert!(
            found == status,
            "{id}: {method} {path} must be {status}, since {why}; it is {found}: {text}"
        );
        let body =
            if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("JSON") };
        if method != "GET" && !is_repeated {
            let row = body["id"].as_str().or_else(|| path.rsplit('/').next()).expect("an id");
            let request_id = headers["x-request-id"].to_str().expect("ASCII").to_owned();
            let resource_id: Uuid = row.parse().expect("a UUID");
            let write =
                Write { action: id.clone(), resource_id, account_id: caller.account, request_id };
            client.writes.lock().unwrap_or_else(PoisonError::into_inner).push(write);
        }
        Reply { headers, body }
    }

    /// Sends the request and panics unless the response is a problem with this status that names `place`: a JSON
    /// pointer or a parameter.
    pub(super) async fn expect_error_at(self, place: &str, status: u16, why: &str) {
        let (id, path) = (&self.operation.id, self.path.clone());
        let problem = self.expect(status, why).await.body;
        let error = &problem["errors"][0];
        let found = error["pointer"].as_str().or(error["parameter"].as_str()).unwrap_or_default();
        let is_there = found == place || found.starts_with(&format!("{place}/"));
        assert!(is_there, "{id}: the problem of {path} must name {place}, since {why}: {problem}");
    }
}

impl Reply {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }

    pub(super) fn location(&self) -> &str {
        self.header("location")
    }

    pub(super) fn version(&self) -> i64 {
        self.body["version"].as_i64().expect("a version")
    }
}
