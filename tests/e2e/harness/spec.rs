//! The OpenAPI document of the API under test.

use std::collections::BTreeSet;

use reqwest::Response;
use serde_json::{Map, Value};

use super::TestApp;

/// An OpenAPI document.
pub(crate) struct Spec {
    document: Value,
    pub(crate) operations: Vec<Operation>,
}

/// An operation of the document.
#[derive(Clone)]
pub(crate) struct Operation {
    pub(crate) id: String,
    /// The method in upper case.
    pub(crate) method: String,
    /// The path, with its parameters in braces.
    pub(crate) path: String,
    pub(crate) spec: Value,
}

impl Spec {
    /// Reads the document that `app` serves.
    pub(crate) async fn of(app: &TestApp) -> Self {
        let response = app.request_anonymous("GET", "/openapi.json").send().await;
        let document: Value = response.expect("a response").json().await.expect("JSON");
        let mut operations = Vec::new();
        for (path, methods) in entries(&document["paths"]) {
            for (method, spec) in entries(methods) {
                let id = spec["operationId"].as_str().expect("every operation has an id");
                operations.push(Operation {
                    id: id.to_owned(),
                    method: method.to_uppercase(),
                    path: path.clone(),
                    spec: spec.clone(),
                });
            }
        }
        Self { document, operations }
    }

    pub(crate) fn operation(&self, method: &str, path: &str) -> Option<&Operation> {
        self.operations.iter().find(|it| it.method == method && it.path == path)
    }

    /// Returns the target of a `$ref`, or the value itself.
    pub(crate) fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        let Some(reference) = value["$ref"].as_str() else { return value };
        let target = reference.strip_prefix('#').and_then(|it| self.document.pointer(it));
        target.unwrap_or_else(|| panic!("the document has no {reference}"))
    }

    /// Returns the schema with every `$ref` in it replaced by its target.
    pub(crate) fn inline(&self, schema: &Value) -> Value {
        match self.resolve(schema) {
            Value::Object(fields) => {
                let inlined = fields.iter().map(|(name, value)| (name.clone(), self.inline(value)));
                Value::Object(inlined.collect())
            }
            Value::Array(items) => items.iter().map(|item| self.inline(item)).collect(),
            value => value.clone(),
        }
    }

    /// Panics unless `body` matches the documented schema for this status.
    pub(crate) fn assert_describes(&self, operation: &Operation, status: u16, body: &Value) {
        let response = self.resolve(&operation.spec["responses"][status.to_string()]);
        let schema = self.inline(&response["content"]["application/json"]["schema"]);
        let options = jsonschema::draft202012::options().should_validate_formats(true);
        let checked = options.build(&schema).expect("the document has valid schemas");
        let errors: Vec<_> = checked.iter_errors(body).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{}: {body} is not as documented: {errors:?}", operation.id);
    }

    /// Panics unless the document lists the status of `response` for `operation`, and exactly its headers.
    pub(crate) fn assert_documents(&self, operation: &Operation, response: &Response) {
        let Operation { id, .. } = operation;
        let status = response.status();
        let documented = operation.spec["responses"].get(status.as_str());
        let documented = documented
            .unwrap_or_else(|| panic!("{id}: the document does not list the status {status}"));
        // Every HTTP response has these headers, so the OpenAPI document does not list them.
        let framing = ["content-type", "content-length", "date"];
        let sent = response.headers().keys().map(|name| name.as_str().to_owned());
        let sent: BTreeSet<_> = sent.filter(|name| !framing.contains(&name.as_str())).collect();
        let (mut known, mut required) = (BTreeSet::new(), BTreeSet::new());
        for (name, header) in entries(&self.resolve(documented)["headers"]) {
            known.insert(name.to_lowercase());
            if self.resolve(header)["required"] == true {
                required.insert(name.to_lowercase());
            }
        }
        let missing: Vec<_> = required.difference(&sent).collect();
        assert!(missing.is_empty(), "{id}: the response {status} does not have {missing:?}");
        let unknown: Vec<_> = sent.difference(&known).collect();
        assert!(unknown.is_empty(), "{id}: the document does not list {unknown:?} for {status}");
    }
}

impl Operation {
    /// Returns the required roles, or `None` if anonymous clients may call the operation.
    pub(crate) fn roles(&self) -> Option<BTreeSet<&str>> {
        let requirements =
            self.spec["security"].as_array().expect("every operation lists its security");
        let is_empty = |requirement: &Value| requirement.as_object().is_some_and(Map::is_empty);
        let is_open = requirements.is_empty() || requirements.iter().any(is_empty);
        let roles = requirements.iter().flat_map(|it| it["token"].as_array().into_iter().flatten());
        (!is_open).then(|| roles.filter_map(Value::as_str).collect())
    }

    /// Returns the parameters in `path`, `query` or `header`.
    pub(crate) fn parameters(&self, place: &str) -> impl Iterator<Item = &Value> {
        let parameters = self.spec["parameters"].as_array().into_iter().flatten();
        parameters.filter(move |parameter| parameter["in"] == place)
    }

    pub(crate) fn has_parameter(&self, place: &str, name: &str) -> bool {
        self.parameters(place).any(|parameter| parameter["name"] == name)
    }
}

/// Returns the entries of an object, or nothing for other values.
pub(super) fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}
