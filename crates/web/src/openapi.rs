//! The published OpenAPI document: the output of poem-openapi, corrected.
//!
//! poem-openapi writes version 3.0.0. It does not reject unknown fields in request bodies, and omits the errors of
//! each operation and the headers of every response.

mod body_limit;
mod responses;
mod schemas;
mod security;
mod values;

use std::{collections::HashMap, sync::OnceLock};

use poem::{Request, http::Method};
use serde_json::{Value, json};

use crate::paths::Paths;
pub(crate) use body_limit::SMALL_BODY;
use values::{members, members_mut};

/// The document as JSON text, because the parsed document takes several times the memory.
struct Document {
    text: String,
    schemas: HashMap<String, Box<str>>,
    paths: Vec<(String, Vec<Operation>)>,
}

/// An operation of a path.
pub(crate) struct Operation {
    /// The method in lower case.
    pub(crate) method: String,
    /// The query parameters.
    pub(crate) query: Vec<QueryParameter>,
    /// The size limit of the body, in bytes.
    pub(crate) body_limit: usize,
    /// True if anonymous clients may not call the operation.
    pub(crate) needs_token: bool,
}

/// A query parameter of an operation.
pub(crate) struct QueryParameter {
    pub(crate) name: String,
    /// True if the parameter may occur several times.
    pub(crate) is_list: bool,
}

static DOCUMENT: OnceLock<Document> = OnceLock::new();

/// Corrects the document of poem-openapi. A process has one document, so later calls have no effect.
pub(crate) fn publish(write: &dyn Fn() -> String) {
    DOCUMENT.get_or_init(|| {
        let written = serde_json::from_str(&write()).expect("poem-openapi writes JSON");
        let document = correct(written);
        let schemas = &document["components"]["schemas"];
        let operations =
            |path: &Value| members(path).map(|it| operation(it, schemas)).collect::<Vec<_>>();
        let paths = members(&document["paths"]);
        Document {
            text: document.to_string(),
            schemas: members(schemas)
                .map(|(name, it)| (name.clone(), it.to_string().into()))
                .collect(),
            paths: paths.map(|(path, it)| (path.clone(), operations(it))).collect(),
        }
    });
}

fn document() -> &'static Document {
    DOCUMENT.get().expect("`Service::new` publishes the document before the first request")
}

/// Returns the document as JSON text.
pub(crate) fn published() -> &'static str {
    &document().text
}

/// Returns the names of the schemas.
pub(crate) fn schema_names() -> impl Iterator<Item = &'static str> {
    document().schemas.keys().map(String::as_str)
}

/// Returns the schema with this name.
pub(crate) fn schema(name: &str) -> Option<Value> {
    let text = document().schemas.get(name)?;
    Some(serde_json::from_str(text).expect("the schema is JSON"))
}

/// Returns the paths, each with its methods in lower case.
pub(crate) fn methods() -> Vec<(String, Vec<String>)> {
    let methods =
        |operations: &[Operation]| operations.iter().map(|it| it.method.clone()).collect();
    document().paths.iter().map(|(path, it)| (path.clone(), methods(it))).collect()
}

/// Returns the operation of a request, or `None` for pages such as the docs.
pub(crate) fn find_operation(request: &Request, paths: &Paths) -> Option<&'static Operation> {
    let path = paths.of(request.uri())?;
    let (_, operations) = document().paths.iter().find(|(known, _)| *known == *path.name)?;
    let is_head = request.method() == Method::HEAD;
    let method = if is_head { &Method::GET } else { request.method() };
    operations.iter().find(|operation| operation.method.eq_ignore_ascii_case(method.as_str()))
}

fn operation((method, operation): (&String, &Value), schemas: &Value) -> Operation {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let query = parameters.filter(|it| it["in"] == "query").map(|it| QueryParameter {
        name: it["name"].as_str().unwrap_or_default().to_owned(),
        is_list: it["schema"]["type"] == "array",
    });
    // An operation with an empty requirement needs no token.
    let requirements = operation["security"].as_array().map(Vec::as_slice).unwrap_or_default();
    Operation {
        method: method.clone(),
        query: query.collect(),
        body_limit: body_limit::body_limit(operation, schemas),
        needs_token: !requirements.is_empty() && !requirements.contains(&json!({})),
    }
}

fn correct(mut document: Value) -> Value {
    document["openapi"] = json!("3.1.0");
    let licence = env!("CARGO_PKG_LICENSE");
    document["info"]["license"] = json!({ "name": licence, "identifier": licence });
    schemas::correct(&mut document);
    security::merge_schemes(&mut document["components"]["securitySchemes"]);
    document["components"]["responses"] = responses::errors();
    document["components"]["headers"] = responses::headers();
    let schemas = document["components"]["schemas"].clone();
    for (_, operations) in members_mut(&mut document["paths"]) {
        for (method, operation) in members_mut(operations) {
            correct_operation(method, operation);
            responses::describe(operation, &schemas);
        }
    }
    document
}

fn correct_operation(method: &str, operation: &mut Value) {
    responses::correct(operation);
    security::correct(method, operation);
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
    for parameter in parameters.into_iter().flatten().filter_map(Value::as_object_mut) {
        // These members are removed, because they only repeat the defaults of OpenAPI.
        parameter.retain(|key, _| key != "deprecated" && key != "explode");
        schemas::correct_one(&mut parameter["schema"]);
    }
    if method == "patch" {
        let content = &mut operation["requestBody"]["content"];
        content["application/merge-patch+json"] = content["application/json"].clone();
    }
}
