//! Validates request bodies against the schemas of the OpenAPI document, and reports all errors together.

use std::{
    collections::HashMap,
    sync::{LazyLock, OnceLock},
};

use jsonschema::{ValidationError, Validator, error::ValidationErrorKind as Kind};
use serde_json::{Map, Value, json};

use crate::{
    error::{ApiError, FieldError},
    openapi,
};

/// The validators by schema name. Each is created at its first use, to save memory.
static VALIDATORS: LazyLock<HashMap<&str, OnceLock<Validator>>> =
    LazyLock::new(|| openapi::schema_names().map(|name| (name, OnceLock::new())).collect());

fn build(name: &str) -> Validator {
    let mut needed = Map::new();
    let mut names = vec![name.to_owned()];
    while let Some(name) = names.pop() {
        if needed.contains_key(&name) {
            continue;
        }
        if let Some(schema) = openapi::schema(&name) {
            references(&schema, &mut names);
            needed.insert(name, schema);
        }
    }
    let schema = json!({
        "$ref": format!("#/components/schemas/{name}"),
        "components": { "schemas": needed },
    });
    let options = jsonschema::draft202012::options().should_validate_formats(true);
    options.build(&schema).expect("the schemas of the OpenAPI document are valid")
}

/// Adds the names of the schemas that `schema` refers to.
fn references(schema: &Value, names: &mut Vec<String>) {
    match schema {
        Value::Object(fields) => {
            let name = fields.get("$ref").and_then(Value::as_str);
            names.extend(name.and_then(|it| it.rsplit('/').next()).map(str::to_owned));
            fields.values().for_each(|value| references(value, names));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, names)),
        _ => {}
    }
}

/// Checks `value` against the schema `name`.
///
/// # Errors
/// Returns [`ApiError::Invalid`] with all errors. The errors do not contain values, which may be passwords.
pub fn check(name: &str, value: &Value) -> Result<(), ApiError> {
    let validator = VALIDATORS.get(name).expect("every request body has a schema");
    let validator = validator.get_or_init(|| build(name));
    let errors: Vec<_> = validator.iter_errors(value).flat_map(|error| describe(&error)).collect();
    if errors.is_empty() { Ok(()) } else { Err(ApiError::Invalid(errors)) }
}

/// Converts a validation error to one error for each field.
fn describe(error: &ValidationError<'_>) -> Vec<FieldError> {
    let place = error.instance_path().to_string();
    let below = |name: &str| format!("{place}/{}", name.replace('~', "~0").replace('/', "~1"));
    match error.kind() {
        Kind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            vec![FieldError::new(below(name), "is missing")]
        }
        Kind::AdditionalProperties { unexpected } => {
            let unknown = unexpected.iter();
            unknown.map(|name| FieldError::new(below(name), "is not a known field")).collect()
        }
        kind => vec![FieldError::new(place, detail(kind))],
    }
}

fn detail(kind: &Kind) -> String {
    match kind {
        Kind::Type { kind } => format!("must be of type {}", type_name(kind)),
        Kind::MinLength { limit } => format!("must have at least {limit} characters"),
        Kind::MaxLength { limit } => format!("must have at most {limit} characters"),
        Kind::MinItems { limit } => format!("must have at least {limit} items"),
        Kind::MaxItems { limit } => format!("must have at most {limit} items"),
        Kind::Minimum { limit } => format!("must be at least {limit}"),
        Kind::Maximum { limit } => format!("must be at most {limit}"),
        Kind::Format { format } => format!("must have the format {format}"),
        Kind::Enum { options } => format!("must be one of {options}"),
        Kind::Pattern { .. } => "has an invalid format".to_owned(),
        _ => "is invalid".to_owned(),
    }
}

fn type_name(kind: &jsonschema::error::TypeKind) -> String {
    match kind {
        jsonschema::error::TypeKind::Single(one) => one.to_string(),
        jsonschema::error::TypeKind::Multiple(many) => {
            many.iter().map(|one| one.to_string()).collect::<Vec<_>>().join(" or ")
        }
    }
}
