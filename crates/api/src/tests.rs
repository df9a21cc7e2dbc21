//! Checks of the OpenAPI document that people and client generators depend on.

use std::{collections::HashSet, sync::LazyLock};

use serde_json::{Map, Value};
use web::validation;

use crate::routes;

static SPEC: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(&web::spec(routes::service)).expect("the spec is JSON"));

fn spec() -> &'static Value {
    &SPEC
}

fn map(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

/// Returns every operation with its `operationId`.
fn operations() -> Vec<(&'static str, &'static Value)> {
    let paths = map(&spec()["paths"]);
    let operations = paths.flat_map(|(_, operations)| map(operations));
    operations.map(|(_, it)| (it["operationId"].as_str().expect("an operationId"), it)).collect()
}

/// Returns the target of a `$ref`, or the value itself.
fn resolve(value: &'static Value) -> &'static Value {
    let Some(reference) = value.get("$ref") else { return value };
    let pointer =
        reference.as_str().and_then(|it| it.strip_prefix('#')).expect("a local reference");
    spec().pointer(pointer).unwrap_or_else(|| panic!("{pointer} does not exist"))
}

fn has_text(value: &Value, key: &str) -> bool {
    value[key].as_str().is_some_and(|text| !text.trim().is_empty())
}

/// Asserts that each body of a request or response has an example, and that the example matches the schema.
fn assert_examples(place: &str, body: &'static Value) {
    for (media_type, content) in map(&body["content"]) {
        let schema = resolve(&content["schema"]);
        let example = content.get("example").or_else(|| schema["examples"].get(0));
        let example =
            example.unwrap_or_else(|| panic!("{place}: the example of {media_type} is missing"));
        let name = content["schema"]["$ref"].as_str().and_then(|it| it.rsplit('/').next());
        let checked = validation::check(name.expect("a named schema"), example);
        assert!(checked.is_ok(), "{place}: {checked:?}");
    }
}

#[test]
fn every_operation_has_summary_description_tag_and_security() {
    for (id, operation) in operations() {
        assert!(has_text(operation, "summary"), "{id}: the summary is missing");
        assert!(has_text(operation, "description"), "{id}: the description is missing");
        assert!(operation["tags"].get(0).is_some(), "{id}: the tag is missing");
        assert!(operation["security"].is_array(), "{id}: the security is missing");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(
                has_text(parameter, "description"),
                "{id}: no description of {}",
                parameter["name"]
            );
        }
    }
}

#[test]
fn every_operation_id_is_a_unique_function_name() {
    let mut seen = HashSet::new();
    for (id, _) in operations() {
        let is_name = id.starts_with(|first: char| first.is_ascii_lowercase())
            && id.chars().all(|letter| letter.is_ascii_alphanumeric());
        assert!(is_name && seen.insert(id), "{id}");
    }
}

#[test]
fn every_body_has_an_example_that_matches_its_schema() {
    for (id, operation) in operations() {
        assert_examples(&format!("{id}, request"), &operation["requestBody"]);
        for (status, response) in map(&operation["responses"]) {
            assert_examples(&format!("{id}, {status}"), resolve(response));
        }
    }
}

#[test]
fn every_response_and_its_headers_have_descriptions() {
    for (id, operation) in operations() {
        let responses = || map(&operation["responses"]);
        assert!(
            responses().any(|(status, _)| status.starts_with('2')),
            "{id}: a 2xx response is missing"
        );
        for status in ["408", "413", "500", "504"] {
            assert!(
                responses().any(|(known, _)| known == status),
                "{id}: the {status} response is missing"
            );
        }
        for (status, response) in responses() {
            let response = resolve(response);
            assert!(
                has_text(response, "description"),
                "{id}: {status}: the description is missing"
            );
            assert!(
                response["headers"].get("X-Request-Id").is_some(),
                "{id}: {status}: the X-Request-Id is missing"
            );
            for (name, header) in map(&response["headers"]) {
                let header = resolve(header);
                assert!(
                    has_text(header, "description"),
                    "{id}: {status}: {name}: the description is missing"
                );
                assert!(
                    header["schema"].is_object(),
                    "{id}: {status}: {name}: the schema is missing"
                );
            }
        }
    }
}

#[test]
fn every_schema_and_field_has_a_description() {
    for (name, schema) in map(&spec()["components"]["schemas"]) {
        assert!(has_text(schema, "description"), "{name}: the description is missing");
        for (field, schema) in map(&schema["properties"]) {
            assert!(has_text(schema, "description"), "{name}.{field}: the description is missing");
        }
    }
}
