//! Foreign keys.

use serde_json::{Value, json};

use super::Checks;

const UNKNOWN: &str = "00000000-0000-7000-8000-000000000000";

impl Checks<'_> {
    pub(super) async fn missing_references_return_409(&self) {
        for field in self.resource.fields.iter().filter(|field| field.reference.is_some()) {
            let value = if field.is_array() { json!([UNKNOWN]) } else { json!(UNKNOWN) };
            let (pointer, why) =
                (format!("/{}", field.name), format!("no row has the id in {}", field.name));
            let (row, mut body) = (self.row().await, self.body().await);
            body[&field.name] = value;
            let create = &self.resource.create;
            let bodies = [(create, self.collection.as_str())].into_iter();
            let changes = self
                .resource
                .writes()
                .filter(|it| it.method != "DELETE")
                .map(|it| (it, row.path.as_str()));
            for (operation, path) in bodies.chain(changes) {
                self.client
                    .call(operation, path)
                    .json(&body)
                    .expect_error_at(&pointer, 409, &why)
                    .await;
            }
        }
    }

    pub(super) async fn deleting_a_referenced_row_follows_the_constraint(&self) {
        for field in &self.resource.fields {
            let Some(reference) = &field.reference else { continue };
            let Some(target) = self.client.catalog.resource_of(&reference.target) else { continue };
            let Some(delete) = &target.delete else { continue };
            let collection = self.client.collection(target).await;
            let created =
                self.client.call(&target.create, &collection).json(&self.client.body(target).await);
            let created = created.expect(201, "the body is valid").await;
            let id = created.body["id"].clone();
            let mut body = self.body().await;
            body[&field.name] = if field.is_array() { json!([id]) } else { id };
            let row = self.row_of(&body).await;
            let delete_target = |status: u16, why: &'static str| {
                self.client.call(delete, created.header("location")).expect(status, why)
            };
            match (reference.on_delete, field.is_array()) {
                (b'c', true) => {
                    delete_target(204, "the foreign key cascades").await;
                    let found = self.get(&row.path).await;
                    assert_eq!(
                        found[&field.name],
                        json!([]),
                        "{}: {} after the delete",
                        delete.id,
                        field.name
                    );
                }
                (b'c', false) => {
                    delete_target(204, "the foreign key cascades").await;
                    let why = "the row that it refers to was deleted";
                    self.client.call(&self.resource.get, &row.path).expect(404, why).await;
                }
                (b'n', _) => {
                    delete_target(204, "the foreign key sets null").await;
                    let found = self.get(&row.path).await;
                    assert_eq!(
                        found[&field.name],
                        Value::Null,
                        "{}: {} after the delete",
                        delete.id,
                        field.name
                    );
                }
                (b'a' | b'r', _) => {
                    delete_target(409, "another row refers to this one").await;
                    if let Some(delete) = &self.resource.delete {
                        self.delete(delete, &row.path).await;
                        delete_target(204, "no row refers to this one").await;
                    }
                }
                _ => {}
            }
        }
    }
}
