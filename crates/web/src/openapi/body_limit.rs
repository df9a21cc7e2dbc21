//! The size limit of the body of an operation, derived from its schema.

use serde_json::Value;

use super::values::members;

/// The limit of operations without a body or with a small one, in bytes. Every client may send such a body.
pub(crate) const SMALL_BODY: usize = 16 * 1024;
/// The maximum size of a character in bytes: an escaped surrogate pair such as `\ud83d\ude00`.
const CHARACTER: usize = 12;
/// The maximum length of a text with a format, such as a date, if the schema has no `maxLength`.
const FORMATTED: usize = 64;
/// The maximum size of a number, of `true`, `false` and `null`, in bytes.
const SCALAR: usize = 32;
/// The size of the punctuation around a value, in bytes.
const PUNCTUATION: usize = 4;
/// Schemas that are nested more deeply may be recursive.
const MAX_DEPTH: usize = 16;

/// Returns the size limit of the body of an operation. Without limits in its schema, only API_BODY_LIMIT_BYTES applies.
pub(super) fn body_limit(operation: &Value, schemas: &Value) -> usize {
    let Some(body) = operation.get("requestBody") else { return SMALL_BODY };
    let schema = &body["content"]["application/json"]["schema"];
    // Indentation can double the size.
    size(schema, schemas, 0).map_or(usize::MAX, |size| size.saturating_mul(2).max(SMALL_BODY))
}

/// Returns the maximum size of a valid value without indentation, in bytes. `None` if the schema does not limit it.
fn size(schema: &Value, schemas: &Value, depth: usize) -> Option<usize> {
    if depth > MAX_DEPTH {
        return None;
    }
    let inner = |schema: &Value| size(schema, schemas, depth + 1);
    if let Some(reference) = schema["$ref"].as_str() {
        return inner(&schemas[reference.rsplit('/').next()?]);
    }
    if let Some(values) = schema["enum"].as_array() {
        return values.iter().map(|value| value.to_string().len()).max();
    }
    for combination in ["allOf", "anyOf", "oneOf"] {
        if let Some(schemas) = schema[combination].as_array() {
            return schemas.iter().map(inner).sum();
        }
    }
    // A schema in OpenAPI 3.1 may list several types, such as `["string", "null"]`.
    let types = schema["type"].as_array();
    let types = types.map_or(std::slice::from_ref(&schema["type"]), Vec::as_slice);
    types.iter().map(|kind| of_type(kind.as_str()?, schema, &inner)).sum()
}

fn of_type(kind: &str, schema: &Value, inner: &dyn Fn(&Value) -> Option<usize>) -> Option<usize> {
    let number = |key: &str| schema[key].as_u64().and_then(|it| usize::try_from(it).ok());
    let bytes = match kind {
        "string" => {
            let formatted = schema.get("format").map(|_| FORMATTED);
            number("maxLength").or(formatted)?.checked_mul(CHARACTER)?
        }
        "array" => number("maxItems")?.checked_mul(inner(&schema["items"])?)?,
        "object" if schema["additionalProperties"] == false => {
            let fields = members(&schema["properties"]);
            fields.map(|(name, field)| Some(name.len() + inner(field)?)).sum::<Option<usize>>()?
        }
        "object" => return None,
        _ => SCALAR,
    };
    Some(bytes + PUNCTUATION)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn limit(schema: &Value) -> usize {
        let schemas = json!({
            "Tag": { "type": "string", "maxLength": 1000 },
            "Tree": {
                "type": "object",
                "additionalProperties": false,
                "properties": { "child": { "$ref": "#/components/schemas/Tree" } },
            },
        });
        let content = json!({ "application/json": { "schema": schema } });
        body_limit(&json!({ "requestBody": { "content": content } }), &schemas)
    }

    #[test]
    fn limit_follows_from_the_lengths_in_the_schema() {
        let tag = json!({ "$ref": "#/components/schemas/Tag" });
        let tags = json!({ "type": "array", "maxItems": 20, "items": tag });
        let size = 2 * (20 * (1000 * CHARACTER + PUNCTUATION) + PUNCTUATION);
        assert_eq!(limit(&tags), size);
        let object = json!({
            "type": "object",
            "additionalProperties": false,
            "properties": { "tags": tags },
        });
        assert_eq!(limit(&object), size + 2 * ("tags".len() + PUNCTUATION));
        let optional = json!({ "type": ["boolean", "null"] });
        assert_eq!(limit(&optional), SMALL_BODY);
        assert_eq!(body_limit(&json!({}), &json!({})), SMALL_BODY);
    }

    #[test]
    fn schema_without_limits_has_no_limit_of_its_own() {
        for schema in [
            json!({ "type": "string" }),
            json!({ "type": "array", "items": { "type": "integer" } }),
            json!({ "type": "object" }),
            json!({ "$ref": "#/components/schemas/Tree" }),
            json!({}),
        ] {
            assert_eq!(limit(&schema), usize::MAX, "{schema}");
        }
    }
}
