//! PUT, PATCH and DELETE of an item.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{Checks, assert_same};

impl Checks<'_> {
    pub(super) async fn stale_if_match_returns_412(&self) {
        for operation in self.resource.writes().filter(|it| it.has_parameter("header", "If-Match"))
        {
            let row = self.row().await;
            for stale in ["\"2\"", "\"2\", \"3\"", "W/\"1\""] {
                let why = format!("If-Match is {stale} and the version is 1");
                self.write(operation, &row.path, &[("if-match", stale)], 412, &why).await;
            }
            assert_same(operation, &row.stored, &self.get(&row.path).await);
            let status = if operation.method == "DELETE" { 204 } else { 200 };
            for (index, current) in ["\"1\"", "\"9\", \"2\"", "*"].iter().enumerate() {
                if status == 200 {
                    self.write(
                        operation,
                        &row.path,
                        &[("if-match", current)],
                        200,
                        "If-Match has the version",
                    )
                    .await;
                } else {
                    let row = self.row().await;
                    let current = if index == 1 { "\"9\", \"1\"" } else { current };
                    self.write(
                        operation,
                        &row.path,
                        &[("if-match", current)],
                        204,
                        "If-Match has the version",
                    )
                    .await;
                }
            }
        }
    }

    pub(super) async fn patch_changes_only_its_fields(&self) {
        let Some(update) = &self.resource.update else { return };
        let row = self.row().await;
        let mut expected = row.stored;
        for field in &self.resource.fields {
            let changed = self.other_value(field, &expected[&field.name]).await;
            let removed = (!field.is_required && field.default.is_none()).then_some(Value::Null);
            for value in changed.into_iter().chain(removed) {
                let body = json!({ &field.name: value });
                let call = self.client.call(update, &row.path).json(&body);
                let patched = call.expect(200, &format!("{body} is valid")).await;
                // A free-form object keeps the keys that the patch does not name.
                expected[&field.name] = if field.is_object() && !value.is_null() {
                    patched.body[&field.name].clone()
                } else {
                    value
                };
                expected["version"] = json!(expected["version"].as_i64().expect("a version") + 1);
                assert_same(update, &expected, &patched.body);
                assert_eq!(
                    patched.header("etag"),
                    format!("\"{}\"", expected["version"]),
                    "{}: the ETag",
                    update.id
                );
            }
        }
        assert_same(update, &expected, &self.get(&row.path).await);
    }

    pub(super) async fn patch_merges_objects(&self) {
        let Some(update) = &self.resource.update else { return };
        for field in self.resource.fields.iter().filter(|field| field.is_object()) {
            let mut body = self.body().await;
            body[&field.name] =
                json!({ "kept": 1, "removed": 2, "nested": { "kept": [3], "removed": 4 } });
            let row = self.row_of(&body).await;
            let patch =
                json!({ "removed": null, "added": 5, "nested": { "removed": null, "added": 6 } });
            let call = self.client.call(update, &row.path).json(&json!({ &field.name: patch }));
            let patched = call.expect(200, "a merge patch of an object is valid").await;
            let merged = json!({ "kept": 1, "added": 5, "nested": { "kept": [3], "added": 6 } });
            assert_eq!(
                patched.body[&field.name], merged,
                "{}: {} after a merge patch",
                update.id, field.name
            );
            let Some(replace) = &self.resource.replace else { continue };
            let call = self.client.call(replace, &row.path).json(&body);
            let replaced = call.expect(200, "the body is valid").await;
            assert_eq!(
                replaced.body[&field.name], body[&field.name],
                "{}: {} is replaced",
                replace.id, field.name
            );
        }
    }

    pub(super) async fn concurrent_patches_all_succeed(&self) {
        let Some(update) = &self.resource.update else { return };
        let row = self.row().await;
        let fields: Vec<_> =
            self.resource.fields.iter().filter(|field| !field.is_object()).collect();
        let mut bodies = Vec::new();
        for index in 0..8 {
            let mut body = json!({});
            if let Some(field) = fields.get(index % fields.len().max(1)) {
                body[&field.name] =
                    self.other_value(field, &row.stored[&field.name]).await.unwrap_or_default();
            }
            body.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
            bodies.push(body);
        }
        let calls = bodies.iter().map(|body| self.client.call(update, &row.path).json(body));
        let why = "without If-Match, concurrent changes do not conflict";
        join_all(calls.map(|call| call.expect(200, why))).await;
        let found = self.get(&row.path).await;
        assert_eq!(
            found["version"],
            json!(9),
            "{}: the version after 8 concurrent changes",
            update.id
        );
        for (name, value) in found.as_object().expect("an object") {
            let mut sent = bodies.iter().filter_map(|body| body.get(name)).peekable();
            let is_kept = sent.peek().is_none() || sent.any(|sent| super::is_same(sent, value));
            assert!(is_kept, "{}: a concurrent change of {name} was lost: {value}", update.id);
        }
    }

    pub(super) async fn put_removes_absent_fields(&self) {
        let Some(replace) = &self.resource.replace else { return };
        let (row, mut body) = (self.row().await, self.body().await);
        for field in self.resource.fields.iter().filter(|field| !field.is_required) {
            body.as_object_mut().expect("an object").remove(&field.name);
        }
        let replaced =
            self.client.call(replace, &row.path).json(&body).expect(200, "the body is valid").await;
        let mut expected = body;
        for field in self.resource.fields.iter().filter(|field| !field.is_required) {
            if let Some(default) = &field.default {
                expected[&field.name] = default.clone();
            }
        }
        for (name, value) in row.stored.as_object().expect("an object") {
            if !self.resource.fields.iter().any(|field| field.name == *name) {
                expected[name] = value.clone();
            }
        }
        expected["version"] = json!(2);
        assert_same(replace, &expected, &replaced.body);
        assert_eq!(replaced.header("etag"), "\"2\"", "{}: the ETag", replace.id);
        assert_same(replace, &expected, &self.get(&row.path).await);
    }

    pub(super) async fn delete_removes_the_row(&self) {
        let Some(delete) = &self.resource.delete else { return };
        let row = self.row().await;
        self.delete(delete, &row.path).await;
        self.client.call(&self.resource.get, &row.path).expect(404, "the row was deleted").await;
        for operation in self.resource.writes() {
            self.write(operation, &row.path, &[], 404, "the row was deleted").await;
        }
    }
}
