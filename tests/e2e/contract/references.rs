//! Foreign keys.

use serde_json::{Value, json};

use super::Checks;

const UNKNOWN: &str = "00000000-0000-7000-8000-000000000000";

impl Checks<'_> {
    pub(super) async fn missing_references_return_409(&self) {
        let fields = || self.resource.fields.iter().filter(|field| field.reference.is_some());
        if fields().next().is_none() {
            return;
        }
        let row = self.row().await;
        for field in fields() {
            let (pointer, why) =
                (format!("/{}", field.name), format!("no row has this {}", field.name));
            let mut body = self.body().await;
            body[&field.name] = if field.is_array() { json!([UNKNOWN]) } else { json!(UNKNOWN) };
            let changes = self.resource.writes().filter(|it| it.method != "DELETE");
            let changes = changes.map(|it| (it, row.path.as_str()));
            for (operation, path) in
                changes.chain([(&self.resource.create, self.collection.as_str())])
            {
                let call = self.client.call(operation, path).json(&body);
                call.expect_error_at(&pointer, 409, &why).await;
            }
        }
    }

    pub(super) async fn deleting_a_referenced_row_follows_the_constraint(&self) {
        for field in &self.resource.fields {
            let Some(reference) = &field.reference else { continue };
            let Some(target) = self.client.catalog.resource_of(&reference.target) else { continue };
            let Some(delete) = &target.delete else { continue };
            let (collection, body) =
                (self.client.collection(target).await, self.client.body(target).await);
            let created = self.client.create(target, &collection, &body).await;
            let (path, id) = (created.header("location"), &created.body["id"]);
            let mut body = self.body().await;
            body[&field.name] = if field.is_array() { json!([id]) } else { id.clone() };
            let row = self.row_of(&body).await;
            let (status, expected) = match (reference.on_delete, field.is_array()) {
                (b'c', false) => (204, None),
                (b'c', true) => (204, Some(json!([]))),
                (b'n', _) => (204, Some(Value::Null)),
                _ => (409, Some(id.clone())),
            };
            let call = self.client.call(delete, path);
            call.expect(status, "the foreign key has this ON DELETE action").await;
            if let Some(expected) = expected {
                let found = &self.get(&row.path).await[&field.name];
                assert_eq!(
                    *found, expected,
                    "{}: {} of the row that refers to it",
                    delete.id, field.name
                );
            } else {
                self.assert_missing(&row.path, "the row that it refers to was deleted").await;
            }
        }
    }
}
