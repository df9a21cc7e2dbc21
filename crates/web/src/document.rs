//! The OpenAPI document as it is published: what poem-openapi writes, corrected in one place.
//!
//! poem-openapi writes version 3.0.0 and leaves some things out: that request bodies have no other
//! fields, which errors an operation can really end with, the headers that every answer has.

mod answers;
mod schemas;

use std::sync::OnceLock;

use serde_json::{Map, Value, json};

static PUBLISHED: OnceLock<String> = OnceLock::new();

/// Corrects what poem-openapi writes, and adds 409 to the answers of operations with the ids `conflicting`. A process
/// has one document: the first.
pub(crate) fn publish(write: &dyn Fn() -> String, conflicting: &[&str]) {
    PUBLISHED.get_or_init(|| {
        let written = serde_json::from_str(&write()).expect("poem-openapi writes JSON");
        correct(written, conflicting).to_string()
    });
}

/// The document, as JSON.
pub(crate) fn published() -> &'static str {
    PUBLISHED.get().expect("a `Service` publishes it before it can be called")
}

/// The document as values, which take several times what its text does: nobody keeps them.
pub(crate) fn parsed() -> Value {
    serde_json::from_str(published()).expect("we have written it")
}

fn correct(mut document: Value, conflicting: &[&str]) -> Value {
    document["openapi"] = json!("3.1.0");
    let licence = env!("CARGO_PKG_LICENSE");
    document["info"]["license"] = json!({ "name": licence, "identifier": licence });
    schemas::correct(&mut document);
    document["components"]["responses"] = answers::errors();
    document["components"]["headers"] = answers::headers();
    let schemas = document["components"]["schemas"].clone();
    for (_, operations) in objects(&mut document["paths"]) {
        for (method, operation) in objects(operations) {
            correct_operation(method, operation, conflicting);
            answers::describe(operation, &schemas);
        }
    }
    document
}

fn correct_operation(method: &str, operation: &mut Value, conflicting: &[&str]) {
    answers::correct(operation, conflicting);
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
    for parameter in parameters.into_iter().flatten().filter_map(Value::as_object_mut) {
        // What they are without saying so.
        parameter.retain(|key, _| key != "deprecated" && key != "explode");
        schemas::correct_one(&mut parameter["schema"]);
    }
    if method == "patch" {
        let content = &mut operation["requestBody"]["content"];
        content["application/merge-patch+json"] = content["application/json"].clone();
    }
    if operation.get("security").is_none() {
        operation["security"] = match operation["operationId"].as_str() {
            // Admins may, where strangers may not.
            Some("signUp") => json!([{}, { "token": [] }]),
            _ => json!([]),
        };
    }
}

fn objects(value: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    value.as_object_mut().into_iter().flatten()
}

fn map(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}
