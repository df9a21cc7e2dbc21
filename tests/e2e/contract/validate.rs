//! Requests with invalid values.

use futures_util::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Checks;
use crate::harness::{Generator, Operation};

impl Checks<'_> {
    /// Sends bodies in which every field is invalid. Each round takes the next invalid value of each field.
    pub(super) async fn invalid_values_return_422(&self) {
        let (row, fields) = (self.row().await, &self.resource.fields);
        let wrong: Vec<_> = fields.iter().map(|field| field.values.invalid_values()).collect();
        let rounds = wrong.iter().map(Vec::len).max().unwrap_or(0);
        for round in 0..rounds.max(1) {
            let (mut body, mut names) = (self.body().await, vec!["unknown"]);
            body["unknown"] = json!(1);
            for (field, values) in fields.iter().zip(&wrong) {
                if let Some(value) = values.get(round) {
                    body[&field.name] = value.clone();
                    names.push(&field.name);
                }
            }
            self.assert_rejected(&self.resource.create, &self.collection, &body, &names).await;
            for operation in self.resource.writes().filter(|_| round == 0) {
                self.assert_rejected(operation, &row.path, &body, &names).await;
            }
        }
        let required = fields.iter().filter(|field| field.is_required);
        let required: Vec<_> = required.map(|field| field.name.as_str()).collect();
        if required.is_empty() {
            return;
        }
        self.assert_rejected(&self.resource.create, &self.collection, &json!({}), &required).await;
        if let Some(replace) = &self.resource.replace {
            self.assert_rejected(replace, &row.path, &json!({}), &required).await;
        }
        if let Some(update) = &self.resource.update {
            let nulls = required.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
            self.assert_rejected(update, &row.path, &nulls, &required).await;
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
        if operation.method == "DELETE" {
            return;
        }
        let call = self.client.call(operation, path).json(body);
        let problem = call.expect(422, &format!("{names:?} of {body} are invalid")).await.body;
        let errors = problem["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        let pointers = errors.iter().map(|error| error["pointer"].as_str().unwrap_or_default());
        let found: Vec<_> = pointers.map(|it| it.split('/').nth(1).unwrap_or_default()).collect();
        let id = &operation.id;
        for name in names {
            let value = &body[*name];
            assert!(found.contains(name), "{id}: {problem} must name /{name}, which is {value}");
        }
        for name in found {
            assert!(names.contains(&name), "{id}: {problem} names {name:?}, which is valid");
        }
    }

    pub(super) async fn invalid_parameters_return_422(&self) {
        let list = &self.resource.list;
        for parameter in list.parameters("query") {
            let name = parameter["name"].as_str().expect("a name");
            let generator = Generator::new(self.client.catalog.spec.inline(&parameter["schema"]));
            let values: &[&str] = match name {
                "limit" => &["0", "101"],
                "cursor" => &["x"],
                _ if generator.accepts_text("\0") => &[],
                _ => &["\0"],
            };
            for value in values {
                let call = self.client.call(list, &self.collection).query(&[(name, value)]);
                call.expect_error_at(name, 422, &format!("{name} is {value:?}")).await;
            }
        }
    }

    pub(super) async fn duplicates_return_409(&self) {
        for field in self.resource.fields.iter().filter(|field| field.is_unique) {
            let (name, create) = (&field.name, &self.resource.create);
            let (pointer, why) = (format!("/{name}"), format!("another row has this {name}"));
            let (taken, row) = (self.row().await.stored[name].clone(), self.row().await);
            let duplicate = async || {
                let mut body = self.body().await;
                body[name] = taken.clone();
                body
            };
            let call = self.client.call(create, &self.collection).json(&duplicate().await);
            let call = call.header("idempotency-key", &Uuid::now_v7().to_string());
            call.expect_error_at(&pointer, 409, &why).await;
            for operation in self.resource.writes().filter(|it| it.method != "DELETE") {
                let call = self.client.call(operation, &row.path).json(&duplicate().await);
                call.expect_error_at(&pointer, 409, &why).await;
            }
            // The server runs concurrent requests as one batch, but an invalid request must not fail the others.
            let mut calls = Vec::new();
            for number in 0..6 {
                let is_wrong = number == 3;
                let body = if is_wrong { duplicate().await } else { self.body().await };
                let call = self.client.call(create, &self.collection).json(&body);
                let (status, why) = if is_wrong { (409, &why) } else { (201, name) };
                calls.push(call.expect(status, why));
            }
            join_all(calls).await;
        }
    }
}
