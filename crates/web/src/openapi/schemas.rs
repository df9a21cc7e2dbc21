//! Converts schemas from OpenAPI 3.0 to JSON Schema 2020-12, which OpenAPI 3.1 uses.

use serde_json::{Map, Value, json};

use super::values::{members, members_mut};

pub(super) fn correct(document: &mut Value) {
    let bodies = of_requests(document);
    for (name, schema) in members_mut(&mut document["components"]["schemas"]) {
        if bodies.contains(name) {
            schema["additionalProperties"] = json!(false);
        }
        correct_one(schema);
    }
}

/// Returns the names of the schemas of request bodies.
fn of_requests(document: &Value) -> Vec<String> {
    let operations = members(&document["paths"]).flat_map(|(_, operations)| members(operations));
    let contents = operations.flat_map(|(_, it)| members(&it["requestBody"]["content"]));
    let schemas = contents.filter_map(|(_, content)| content["schema"]["$ref"].as_str());
    schemas.filter_map(|it| it.rsplit('/').next()).map(str::to_owned).collect()
}

pub(super) fn correct_one(schema: &mut Value) {
    let Value::Object(fields) = schema else { return };
    let nullable = fields.remove("nullable") == Some(json!(true));
    if nullable && let Some(kind) = fields.remove("type") {
        fields.insert("type".to_owned(), json!([kind, "null"]));
    }
    if let Some(mut example) = fields.remove("example") {
        correct_times(&mut example);
        fields.insert("examples".to_owned(), json!([example]));
    }
    // Replaces `allOf`, because an object with `$ref` may have a description since OpenAPI 3.1.
    if let Some(reference) = fields.get("allOf").and_then(|all| all[0].get("$ref")).cloned() {
        fields.remove("allOf");
        if nullable {
            fields.insert("anyOf".to_owned(), json!([{ "$ref": reference }, { "type": "null" }]));
        } else {
            fields.insert("$ref".to_owned(), reference);
        }
    }
    // Replaces formats with their registered names. `time` is wrong here, because it requires a UTC offset.
    match fields.get("format").and_then(Value::as_str) {
        Some("naive-date") => _ = fields.insert("format".to_owned(), json!("date")),
        Some("naive-time") => {
            fields.insert("format".to_owned(), json!("time-local"));
            fields.insert("pattern".to_owned(), json!(TIME));
        }
        Some("int32") => limit(fields, i32::MIN.into(), i32::MAX.into()),
        // JavaScript cannot represent all integers outside of this range.
        Some("int64") => limit(fields, -9_007_199_254_740_991, 9_007_199_254_740_991),
        _ => {}
    }
    if matches!(fields.get("format").and_then(Value::as_str), Some("uint32" | "uint64" | "uint16"))
    {
        fields.remove("format");
    }
    for limit in ["minimum", "maximum"] {
        if let Some(whole) =
            fields.get(limit).and_then(Value::as_f64).filter(|it| it.fract() == 0.0)
        {
            #[expect(clippy::cast_possible_truncation, reason = "the limits are small integers")]
            fields.insert(limit.to_owned(), json!(whole as i64));
        }
    }
    if let Some(properties) = fields.get_mut("properties") {
        members_mut(properties).for_each(|(_, property)| correct_one(property));
    }
    if let Some(items) = fields.get_mut("items") {
        correct_one(items);
    }
}

/// The pattern of a time of day with up to 6 decimal places of a second.
const TIME: &str = r"^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?$";

/// Sets the limits of an integer, unless it already has limits.
fn limit(fields: &mut Map<String, Value>, minimum: i64, maximum: i64) {
    fields.entry("minimum").or_insert(minimum.into());
    fields.entry("maximum").or_insert(maximum.into());
}

/// Writes times in examples as serde writes them in responses: with `Z` instead of `+00:00`.
fn correct_times(example: &mut Value) {
    match example {
        Value::String(text) => {
            if let Some(time) = text.strip_suffix("+00:00") {
                *text = format!("{time}Z");
            }
        }
        Value::Array(items) => items.iter_mut().for_each(correct_times),
        Value::Object(fields) => fields.values_mut().for_each(correct_times),
        _ => {}
    }
}
