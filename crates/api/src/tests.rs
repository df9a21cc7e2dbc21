//! What people and generated clients need of every operation.

use std::{collections::HashSet, sync::LazyLock};

use serde_json::{Map, Value};
use web::validation;

use crate::routes;

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(&web::spec(routes::service)).expect("a document"));

fn published() -> &'static Value {
    &DOCUMENT
}

fn map(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

/// Every operation with its id.
fn operations() -> Vec<(&'static str, &'static Value)> {
    let paths = map(&published()["paths"]);
    let operations = paths.flat_map(|(_, operations)| map(operations));
    operations.map(|(_, it)| (it["operationId"].as_str().expect("an id"), it)).collect()
}

/// What a `$ref` refers to, or the value itself.
fn resolve(value: &'static Value) -> &'static Value {
    let Some(reference) = value.get("$ref") else { return value };
    let pointer = reference.as_str().and_then(|it| it.strip_prefix('#')).expect("our own");
    published().pointer(pointer).unwrap_or_else(|| panic!("there is no {pointer}"))
}

fn has_text(value: &Value, key: &str) -> bool {
    value[key].as_str().is_some_and(|text| !text.trim().is_empty())
}

/// The bodies of a request or an answer, each with an example and the schema that it must obey.
fn assert_examples(place: &str, body: &'static Value) {
    for (media_type, content) in map(&body["content"]) {
        let schema = resolve(&content["schema"]);
        let example = content.get("example").or_else(|| schema["examples"].get(0));
        let example = example.unwrap_or_else(|| panic!("{place}: {media_type} has no example"));
        let name = content["schema"]["$ref"].as_str().and_then(|it| it.rsplit('/').next());
        let checked = validation::check(name.expect("a named schema"), example);
        assert!(checked.is_ok(), "{place}: {checked:?}");
    }
}

#[test]
fn every_operation_has_a_summary_a_description_a_tag_and_tells_its_security() {
    for (id, operation) in operations() {
        assert!(has_text(operation, "summary"), "{id} has no summary");
        assert!(has_text(operation, "description"), "{id} has no description");
        assert!(operation["tags"].get(0).is_some(), "{id} has no tag");
        assert!(operation["security"].is_array(), "{id} says nothing of tokens");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(has_text(parameter, "description"), "{id}: {}", parameter["name"]);
        }
    }
}

#[test]
fn every_operation_id_is_a_function_name_of_its_own() {
    let mut seen = HashSet::new();
    for (id, _) in operations() {
        let is_name = id.starts_with(|first: char| first.is_ascii_lowercase())
            && id.chars().all(|letter| letter.is_ascii_alphanumeric());
        assert!(is_name && seen.insert(id), "{id}");
    }
}

#[test]
fn every_body_has_an_example_that_its_schema_allows() {
    for (id, operation) in operations() {
        assert_examples(&format!("{id}, request"), &operation["requestBody"]);
        for (status, response) in map(&operation["responses"]) {
            assert_examples(&format!("{id}, {status}"), resolve(response));
        }
    }
}

#[test]
fn every_answer_is_described_with_its_headers() {
    for (id, operation) in operations() {
        let responses = || map(&operation["responses"]);
        assert!(responses().any(|(status, _)| status.starts_with('2')), "{id} never succeeds");
        for status in ["408", "413", "500", "504"] {
            assert!(responses().any(|(known, _)| known == status), "{id} is never {status}?");
        }
        for (status, response) in responses() {
            let response = resolve(response);
            assert!(has_text(response, "description"), "{id}: {status}");
            assert!(response["headers"].get("X-Request-Id").is_some(), "{id}: {status}");
            for (name, header) in map(&response["headers"]) {
                let header = resolve(header);
                assert!(has_text(header, "description"), "{id}: {status}: {name}");
                assert!(header["schema"].is_object(), "{id}: {status}: {name}");
            }
        }
    }
}

#[test]
fn every_schema_and_every_field_is_described() {
    for (name, schema) in map(&published()["components"]["schemas"]) {
        assert!(has_text(schema, "description"), "{name}");
        for (field, schema) in map(&schema["properties"]) {
            assert!(has_text(schema, "description"), "{name}.{field}");
        }
    }
}
