//! Requests that are rejected: wrong values, parameters and ids, and values that exist already.

use futures_util::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Checks;
use crate::harness::{Generator, Operation};

impl Checks<'_> {
    /// Sends bodies in which every field is wrong. Each round takes the next wrong value of each field.
    pub(super) async fn wrong_values_return_422(&self) {
        let row = self.row().await;
        let wrong: Vec<_> =
            self.resource.fields.iter().map(|field| (field, field.values.wrong_values())).collect();
        let rounds = wrong.iter().map(|(_, values)| values.len()).max().unwrap_or(0);
        for round in 0..rounds {
            let mut body = self.body().await;
            let mut names = Vec::new();
            for (field, values) in &wrong {
                if let Some(value) = values.get(round) {
                    body[&field.name] = value.clone();
                    names.push(field.name.as_str());
                }
            }
            self.assert_rejected(&self.resource.create, &self.collection, &body, &names).await;
            for operation in self.resource.writes().filter(|it| it.method != "DELETE" && round == 0)
            {
                self.assert_rejected(operation, &row.path, &body, &names).await;
            }
        }
        let mut body = self.body().await;
        body["unknown"] = json!(1);
        self.assert_rejected(&self.resource.create, &self.collection, &body, &["unknown"]).await;
        for operation in self.resource.writes().filter(|it| it.method != "DELETE") {
            self.assert_rejected(operation, &row.path, &body, &["unknown"]).await;
        }
        let required = self.resource.fields.iter().filter(|field| field.is_required);
        let required: Vec<_> = required.map(|field| field.name.as_str()).collect();
        if !required.is_empty() {
            self.assert_rejected(&self.resource.create, &self.collection, &json!({}), &required)
                .await;
            if let Some(replace) = &self.resource.replace {
                self.assert_rejected(replace, &row.path, &json!({}), &required).await;
            }
            if let Some(update) = &self.resource.update {
                let nulls = required.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
                self.assert_rejected(update, &row.path, &nulls, &required).await;
            }
        }
    }

    /// Panics unless the body is rejected because of exactly the fields with these names.
    async fn assert_rejected(
        &self,
        operation: &Operation,
        path: &str,
        body: &Value,
        names: &[&str],
    ) {
        let call = self.client.call(operation, path).json(body);
        let problem = call.expect(422, &format!("{names:?} of {body} are wrong")).await.body;
        let errors = problem["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        let found = errors.iter().map(|error| {
            error["pointer"].as_str().unwrap_or_default().split('/').nth(1).unwrap_or_default()
        });
        let found: Vec<_> = found.collect();
        let id = &operation.id;
        for name in names {
            assert!(
                found.contains(name),
                "{id}: the problem must name /{name}, whose value is {}: {problem}",
                body[*name]
            );
        }
        for name in found {
            assert!(names.contains(&name), "{id}: {name:?} is valid in {body}: {problem}");
        }
    }

    pub(super) async fn wrong_parameters_return_422(&self) {
        let list = &self.resource.list;
        for parameter in list.parameters("query") {
            let name = parameter["name"].as_str().expect("a name");
            let schema = self.client.catalog.spec.inline(&parameter["schema"]);
            let values = if name == "cursor" { vec!["x"] } else { vec!["", "x", "0", "101", "\0"] };
            let generator = Generator::new(schema);
            for value in values
                .into_iter()
                .filter(|value| name == "cursor" || !generator.accepts_text(value))
            {
                let call = self.client.call(list, &self.collection).query(&[(name, value)]);
                call.expect_error_at(name, 422, &format!("{name} is {value:?}")).await;
            }
        }
    }

    pub(super) async fn unknown_ids_return_404(&self) {
        for id in ["00000000-0000-7000-8000-000000000000", "x"] {
            let path = format!("{}/{id}", self.collection);
            self.client.call(&self.resource.get, &path).expect(404, "no row has this id").await;
            for operation in self.resource.writes() {
                self.write(operation, &path, &[], 404, "no row has this id").await;
            }
        }
    }

    pub(super) async fn duplicates_return_409(&self) {
        for field in self.resource.fields.iter().filter(|field| field.is_unique) {
            let (pointer, why) =
                (format!("/{}", field.name), format!("another row has this {}", field.name));
            let (taken, other) = (self.row().await, self.row().await);
            let duplicate = async || {
                let mut body = self.body().await;
                body[&field.name] = taken.stored[&field.name].clone();
                body
            };
            let create = async || {
                self.client.call(&self.resource.create, &self.collection).json(&duplicate().await)
            };
            create().await.expect_error_at(&pointer, 409, &why).await;
            let key = format!("key-{}", Uuid::now_v7());
            create()
                .await
                .header("idempotency-key", &key)
                .expect_error_at(&pointer, 409, &why)
                .await;
            for operation in self.resource.writes().filter(|it| it.method != "DELETE") {
                let call = self.client.call(operation, &other.path).json(&duplicate().await);
                call.expect_error_at(&pointer, 409, &why).await;
            }
            // Of concurrent requests, which the server sends in one batch, only the wrong one fails.
            let mut calls = Vec::new();
            for number in 0..8 {
                let body = if number == 5 { duplicate().await } else { self.body().await };
                let (status, why) =
                    if number == 5 { (409, why.as_str()) } else { (201, "the body is valid") };
                calls.push(
                    self.client
                        .call(&self.resource.create, &self.collection)
                        .json(&body)
                        .expect(status, why),
                );
            }
            join_all(calls).await;
        }
    }
}
