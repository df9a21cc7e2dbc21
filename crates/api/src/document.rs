//! The OpenAPI document as it is published: what poem-openapi writes, corrected in one place.
//!
//! poem-openapi writes version 3.0.0 and leaves some things out: that request bodies have no other
//! fields, which errors an operation can really end with, the headers that every answer has.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

static PUBLISHED: LazyLock<Value> = LazyLock::new(|| {
    let written =
        serde_json::from_str(&crate::routes::written()).expect("poem-openapi writes JSON");
    correct(written)
});

/// The document.
pub(crate) fn published() -> &'static Value {
    &PUBLISHED
}

/// The operations that take a password: a wrong one is refused, and so are too many.
const GUESSABLE: [&str; 3] = ["signUp", "logIn", "changePassword"];

fn correct(mut document: Value) -> Value {
    document["openapi"] = json!("3.1.0");
    let bodies = request_schemas(&document);
    for (name, schema) in objects(&mut document["components"]["schemas"]) {
        if bodies.contains(name) {
            schema["additionalProperties"] = json!(false);
        }
        correct_schema(schema);
    }
    for (_, operations) in objects(&mut document["paths"]) {
        for (_, operation) in objects(operations) {
            correct_operation(operation);
        }
    }
    document
}

/// The names of the schemas that request bodies refer to.
fn request_schemas(document: &Value) -> Vec<String> {
    let paths = document["paths"].as_object().into_iter().flat_map(Map::values);
    let operations = paths.filter_map(Value::as_object).flat_map(Map::values);
    let contents = operations.filter_map(|it| it["requestBody"]["content"].as_object());
    let schemas = contents.flat_map(Map::values).filter_map(|it| it["schema"]["$ref"].as_str());
    schemas.filter_map(|it| it.rsplit('/').next()).map(str::to_owned).collect()
}

/// From version 3.0 to JSON Schema 2020-12, which 3.1 uses.
fn correct_schema(schema: &mut Value) {
    let Value::Object(fields) = schema else { return };
    if fields.remove("nullable") == Some(json!(true)) {
        let kind = fields.remove("type");
        fields.insert("type".to_owned(), json!([kind, "null"]));
    }
    if let Some(example) = fields.remove("example") {
        fields.insert("examples".to_owned(), json!([example]));
    }
    // Formats that no one else knows.
    if matches!(fields.get("format").and_then(Value::as_str), Some("uint32" | "uint64" | "uint16"))
    {
        fields.remove("format");
    }
    for limit in ["minimum", "maximum"] {
        if let Some(whole) =
            fields.get(limit).and_then(Value::as_f64).filter(|it| it.fract() == 0.0)
        {
            #[expect(clippy::cast_possible_truncation, reason = "our limits are small")]
            fields.insert(limit.to_owned(), json!(whole as i64));
        }
    }
    if let Some(properties) = fields.get_mut("properties") {
        objects(properties).for_each(|(_, property)| correct_schema(property));
    }
    if let Some(items) = fields.get_mut("items") {
        correct_schema(items);
    }
}

fn correct_operation(operation: &mut Value) {
    for parameter in operation["parameters"].as_array_mut().into_iter().flatten() {
        correct_schema(&mut parameter["schema"]);
    }
    let possible = possible_errors(operation);
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    responses.retain(|status, _| !status.starts_with('4') || possible.contains(&status.as_str()));
    for (status, response) in responses.iter_mut() {
        correct_headers(status, response);
    }
}

/// The 4xx that this operation can end with: all of ours are written to each.
fn possible_errors(operation: &Value) -> Vec<&'static str> {
    let parameters = operation["parameters"].as_array();
    let has = |place: &str, name: Option<&str>| {
        parameters.into_iter().flatten().any(|parameter| {
            parameter["in"] == place && name.is_none_or(|name| parameter["name"] == name)
        })
    };
    let mut possible = Vec::new();
    let is_guessable = GUESSABLE.iter().any(|id| operation["operationId"] == *id);
    if operation.get("security").is_some() || is_guessable {
        possible.extend(["401", "403"]);
    }
    if is_guessable {
        possible.push("429");
    }
    if operation.get("requestBody").is_some() {
        possible.extend(["400", "408", "409", "413", "415", "422"]);
    }
    if has("query", None) || has("header", None) {
        possible.push("422");
    }
    if has("path", None) {
        possible.push("404");
    }
    if has("header", Some("If-Match")) {
        possible.push("412");
    }
    possible
}

/// Header names in their usual spelling, and those that every answer has.
fn correct_headers(status: &str, response: &mut Value) {
    let text =
        |description: &str| json!({ "description": description, "schema": { "type": "string" } });
    let given = response["headers"].take();
    let mut headers = Map::new();
    for (name, mut header) in given.as_object().cloned().unwrap_or_default() {
        if let Some(header) = header.as_object_mut() {
            header.remove("deprecated");
        }
        headers.insert(usual(&name), header);
    }
    headers.insert("X-Request-Id".to_owned(), text("Names this request in the server's log."));
    if status == "503" || status == "429" {
        headers.insert("Retry-After".to_owned(), text("Seconds to wait before trying again."));
    }
    if status == "401" {
        headers.insert("WWW-Authenticate".to_owned(), text("How to prove who calls: `Bearer`."));
    }
    response["headers"] = headers.into();
}

/// `LOCATION` as `Location`, but `ETAG` as `ETag`.
fn usual(name: &str) -> String {
    if name.eq_ignore_ascii_case("etag") {
        return "ETag".to_owned();
    }
    let word = |word: &str| word[..1].to_uppercase() + &word[1..].to_lowercase();
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}

fn objects(value: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    value.as_object_mut().into_iter().flatten()
}
