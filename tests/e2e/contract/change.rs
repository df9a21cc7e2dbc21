//! PUT, PATCH and DELETE of an item.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{Checks, Row, assert_same, is_same};

impl Checks<'_> {
    /// PATCH changes one field after another, then several at once. PUT removes absent fields.
    pub(super) async fn patch_and_put_change_what_they_name(&self) {
        let mut row = self.row().await;
        self.patch_each_field(&mut row).await;
        self.patch_concurrently(&mut row).await;
        self.replace_without_optional_fields(&row).await;
    }

    async fn patch_each_field(&self, row: &mut Row) {
        let Some(update) = &self.resource.update else { return };
        for field in &self.resource.fields {
            let name = &field.name;
            let changed = self.other_value(field, &row.stored[name]).await;
            let removed = (!field.is_required && field.default.is_none()).then_some(Value::Null);
            for value in changed.into_iter().chain(removed) {
                let body = json!({ name: value });
                let call = self.client.call(update, &row.path).json(&body);
                let patched = call.expect(200, &format!("{body} is valid")).await;
                let is_merged = field.is_object() && !value.is_null();
                row.stored[name] = if is_merged { patched.body[name].clone() } else { value };
                row.stored["version"] = json!(row.version() + 1);
                assert_same(update, &row.stored, &patched.body);
                let etag = format!("\"{}\"", row.version());
                assert_eq!(patched.header("etag"), etag, "{}: the ETag", update.id);
            }
        }
        assert_same(update, &row.stored, &self.get(&row.path).await);
    }

    async fn patch_concurrently(&self, row: &mut Row) {
        let Some(update) = &self.resource.update else { return };
        let mut bodies = vec![json!({}); 8];
        let fields = self.resource.fields.iter().filter(|field| !field.is_object());
        for (body, field) in bodies.iter_mut().zip(fields.cycle()) {
            if let Some(value) = self.other_value(field, &row.stored[&field.name]).await {
                body[&field.name] = value;
            }
        }
        let calls = bodies.iter().map(|body| {
            let call = self.client.call(update, &row.path).json(body);
            call.expect(200, "concurrent changes without If-Match do not conflict")
        });
        join_all(calls).await;
        let found = self.get(&row.path).await;
        let (id, version) = (&update.id, row.version() + 8);
        assert_eq!(found["version"], version, "{id}: the version after 8 concurrent changes");
        for field in &self.resource.fields {
            let (name, value) = (&field.name, &found[&field.name]);
            let mut sent = bodies.iter().filter_map(|body| body.get(name)).peekable();
            let is_kept = sent.peek().is_none() || sent.any(|sent| is_same(sent, value));
            assert!(is_kept, "{id}: {name} is {value}, so a concurrent change was lost");
        }
        row.stored = found;
    }

    async fn replace_without_optional_fields(&self, row: &Row) {
        let Some(replace) = &self.resource.replace else { return };
        let mut body = self.body().await;
        for field in self.resource.fields.iter().filter(|field| !field.is_required) {
            body.as_object_mut().expect("an object").remove(&field.name);
        }
        let call = self.client.call(replace, &row.path).json(&body);
        let replaced = call.expect(200, "the optional fields are absent").await;
        let mut expected = row.stored.clone();
        for field in &self.resource.fields {
            // PUT sets a field that is absent in the body to its default.
            let default = field.default.clone().filter(|_| !field.is_required);
            let value = body.get(&field.name).cloned().or(default);
            expected[&field.name] = value.unwrap_or(Value::Null);
        }
        expected["version"] = json!(row.version() + 1);
        assert_same(replace, &expected, &replaced.body);
        assert_same(replace, &expected, &self.get(&row.path).await);
    }

    pub(super) async fn patch_merges_objects(&self) {
        let Some(update) = &self.resource.update else { return };
        for field in self.resource.fields.iter().filter(|field| field.is_object()) {
            let (name, mut body) = (&field.name, self.body().await);
            body[name] =
                json!({ "kept": 1, "removed": 2, "nested": { "kept": [3], "removed": 4 } });
            let row = self.row_of(&body).await;
            let patch =
                json!({ "removed": null, "new": 5, "nested": { "removed": null, "new": 6 } });
            let call = self.client.call(update, &row.path).json(&json!({ name: patch }));
            let patched = call.expect(200, "a merge patch of an object is valid").await;
            let merged = json!({ "kept": 1, "new": 5, "nested": { "kept": [3], "new": 6 } });
            assert_eq!(patched.body[name], merged, "{}: {name} after a merge patch", update.id);
            let Some(replace) = &self.resource.replace else { continue };
            let call = self.client.call(replace, &row.path).json(&body);
            let replaced = call.expect(200, "the body is valid").await;
            assert_eq!(replaced.body[name], body[name], "{}: {name}", replace.id);
        }
    }

    pub(super) async fn writes_need_the_current_version_and_delete_is_final(&self) {
        let mut row = self.row().await;
        let writes = || self.resource.writes().filter(|it| it.has_parameter("header", "If-Match"));
        for operation in writes() {
            let why = "If-Match is stale";
            self.write(operation, &row.path, "\"2\", W/\"3\"", 412, why).await;
        }
        assert_same(&self.resource.get, &row.stored, &self.get(&row.path).await);
        for operation in writes().filter(|it| it.method != "DELETE") {
            // The weak form `W/` must be accepted too, because proxies that compress responses send weak ETags.
            for form in ["\"0\", \"VERSION\"", "W/\"VERSION\"", "*"] {
                let if_match = form.replace("VERSION", &row.version().to_string());
                let why = "If-Match has the current version";
                row.stored = self.write(operation, &row.path, &if_match, 200, why).await.body;
            }
        }
        if let Some(delete) = &self.resource.delete {
            let if_match = format!("\"0\", \"{}\"", row.version());
            self.write(delete, &row.path, &if_match, 204, "If-Match has the version").await;
            self.assert_missing(&row.path, "the row was deleted").await;
        }
        self.assert_missing(&format!("{}/x", self.collection), "x is not an id").await;
    }
}

impl Row {
    fn version(&self) -> i64 {
        self.stored["version"].as_i64().expect("a version")
    }
}
