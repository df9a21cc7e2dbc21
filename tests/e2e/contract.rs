//! The contract of every resource: tests each resource of the OpenAPI document with generated bodies.
//!
//! The bodies come from the schemas of the document, and references from the foreign keys of the database.

mod audit;
mod change;
mod create;
mod list;
mod nesting;
mod ownership;
mod references;
mod validate;

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures_util::FutureExt;
use serde_json::Value;

use crate::harness::{Catalog, Client, Field, Identity, Operation, Reply, Resource, TestApp};

/// Paths of resources that are not tested. Generated bodies break rules between fields, so add separate tests.
const SKIPPED: [&str; 0] = [];

/// The number of resources that are tested at once, each on its own database.
const CONCURRENT: usize = 4;

#[tokio::test(flavor = "multi_thread")]
async fn every_resource_follows_the_contract() {
    let app = TestApp::spawn().await;
    let resources = &Catalog::of(&app).await.resources;
    assert!(!resources.is_empty(), "the document has no resource");
    let next = Arc::new(AtomicUsize::new(0));
    let others = (1..CONCURRENT.min(resources.len())).map(|_| {
        let next = Arc::clone(&next);
        tokio::spawn(async move { check_from(&next, TestApp::spawn().await).await })
    });
    let others: Vec<_> = others.collect();
    let mut failed = check_from(&next, app).await;
    for other in others {
        failed.extend(other.await.expect("a result"));
    }
    assert!(failed.is_empty(), "these resources do not follow the contract, see above: {failed:?}");
}

/// Checks the next resource until none is left. Returns the paths of the failed resources.
async fn check_from(next: &AtomicUsize, mut app: TestApp) -> Vec<&'static str> {
    let (resources, mut failed) = (&Catalog::of(&app).await.resources, Vec::new());
    loop {
        let client = Client::new(&app, 3).await;
        let other = Identity::new("member");
        other.store(&app.database.connect().await).await;
        loop {
            let Some(resource) = resources.get(next.fetch_add(1, Ordering::Relaxed)) else {
                return failed;
            };
            if SKIPPED.contains(&resource.path.as_str()) {
                continue;
            }
            if AssertUnwindSafe(check(&client, &other, resource)).catch_unwind().await.is_err() {
                failed.push(resource.path.as_str());
                break;
            }
        }
        app = TestApp::spawn().await;
    }
}

/// Panics unless the resource follows the contract.
async fn check<'a>(client: &'a Client<'a>, other: &'a Identity, resource: &'static Resource) {
    client.prepare(resource).await;
    let collection = client.collection(resource).await;
    let checks = Checks { client, other, resource, collection };
    checks.create_returns_what_get_returns().await;
    checks.idempotency_key_creates_once().await;
    checks.patch_and_put_change_what_they_name().await;
    checks.patch_merges_objects().await;
    checks.writes_need_the_current_version_and_delete_is_final().await;
    checks.invalid_values_return_422().await;
    checks.invalid_parameters_return_422().await;
    checks.duplicates_return_409().await;
    checks.missing_references_return_409().await;
    checks.deleting_a_referenced_row_follows_the_constraint().await;
    checks.rows_belong_to_their_parent().await;
    checks.rows_belong_to_their_owner().await;
    checks.pages_have_no_gap_and_no_repeat().await;
    checks.filters_narrow_the_list().await;
    checks.every_write_has_one_audit_entry().await;
}

/// The checks of a resource.
struct Checks<'a> {
    client: &'a Client<'a>,
    /// An account that owns nothing.
    other: &'a Identity,
    resource: &'static Resource,
    /// The path of the collection, with the id of a parent if the resource is nested.
    collection: String,
}

/// A row that was created.
struct Row {
    path: String,
    stored: Value,
}

impl Checks<'_> {
    async fn body(&self) -> Value {
        self.client.body(self.resource).await
    }

    /// Creates a row.
    async fn row(&self) -> Row {
        self.row_of(&self.body().await).await
    }

    async fn row_of(&self, body: &Value) -> Row {
        let created = self.client.create(self.resource, &self.collection, body).await;
        Row { path: created.header("location").to_owned(), stored: created.body }
    }

    async fn get(&self, path: &str) -> Value {
        self.client.call(&self.resource.get, path).expect(200, "the row exists").await.body
    }

    /// Returns a value of `field` that differs from `value`, if the schema has one.
    async fn other_value(&self, field: &Field, value: &Value) -> Option<Value> {
        for _ in 0..10 {
            let other = self.client.value(field).await;
            if other.as_ref().is_some_and(|other| other != value) {
                return other;
            }
        }
        None
    }

    /// Sends a write with a valid body and an If-Match.
    async fn write(
        &self,
        operation: &Operation,
        path: &str,
        if_match: &str,
        status: u16,
        why: &str,
    ) -> Reply {
        let mut call = self.client.call(operation, path).header("if-match", if_match);
        if operation.method != "DELETE" {
            call = call.json(&self.body().await);
        }
        call.expect(status, why).await
    }

    /// Panics unless no row can be read or written at `path`.
    async fn assert_missing(&self, path: &str, why: &str) {
        self.client.call(&self.resource.get, path).expect(404, why).await;
        for operation in self.resource.writes() {
            self.write(operation, path, "*", 404, why).await;
        }
    }
}

/// Panics unless two objects have the same fields, except `updated_at`.
fn assert_same(operation: &Operation, expected: &Value, found: &Value) {
    let (mut expected, mut found) = (expected.clone(), found.clone());
    for value in [&mut expected, &mut found] {
        let fields = value.as_object_mut().expect("an object");
        fields.retain(|name, value| !value.is_null() && name != "updated_at");
    }
    let names = expected.as_object().into_iter().chain(found.as_object()).flat_map(|it| it.keys());
    for name in names {
        let (expected, found) = (&expected[name], &found[name]);
        let id = &operation.id;
        assert!(is_same(expected, found), "{id}: {name} is {found}, expected {expected}");
    }
}

/// Compares values. Trailing zeros of decimal numbers do not matter.
fn is_same(left: &Value, right: &Value) -> bool {
    let digits = |value: &Value| {
        let text = value.as_str().filter(|it| it.parse::<f64>().is_ok())?;
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        Some((whole.to_owned(), fraction.trim_end_matches('0').to_owned()))
    };
    left == right || digits(left).is_some_and(|left| digits(right) == Some(left))
}
