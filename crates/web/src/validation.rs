//! Validates request bodies against the schemas of the OpenAPI document, and reports all errors together.

use std::{
    collections::HashMap,
    sync::{LazyLock, OnceLock},
};

use chrono::{DateTime, Datelike};
use jsonschema::{ValidationError, Validator, error::ValidationErrorKind as Kind};
use serde_json::{Map, Value, json};

use crate::{
    error::{ApiError, Errors, FieldError},
    openapi,
};

/// The validators by schema name. Each is created at its first use, to save memory.
static VALIDATORS: LazyLock<HashMap<&str, OnceLock<Validator>>> =
    LazyLock::new(|| openapi::schema_names().map(|name| (name, OnceLock::new())).collect());

/// The maximum length in characters of a field name from the client in an error.
const MAX_NAME: usize = 100;

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
    let options = jsonschema::draft202012::options()
        .should_validate_formats(true)
        .with_format("date-time", is_date_time);
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

/// Returns true for a time of RFC 3339 whose year in UTC has four digits, because responses can contain only such
/// years.
fn is_date_time(text: &str) -> bool {
    // chrono also accepts a space instead of the `T` between date and time.
    let has_t = text.as_bytes().get(10).is_some_and(|byte| byte.eq_ignore_ascii_case(&b'T'));
    let time = DateTime::parse_from_rfc3339(text);
    has_t && time.is_ok_and(|time| (1..=9999).contains(&time.to_utc().year()))
}

/// Checks `value` against the schema `name`.
///
/// # Errors
/// Returns [`ApiError::Invalid`] with all errors, or [`ApiError::TooManyInvalid`] with the first errors. Errors do not
/// contain values, because a value may be a password.
pub fn check(name: &str, value: &Value) -> Result<(), ApiError> {
    let validator = VALIDATORS.get(name).expect("every request body has a schema");
    let validator = validator.get_or_init(|| build(name));
    let mut errors = Errors::default();
    for error in validator.iter_errors(value) {
        add(&mut errors, &error);
    }
    errors.finish()
}

/// Adds a validation error, as one error for each field.
fn add(errors: &mut Errors, error: &ValidationError<'_>) {
    let place = error.instance_path().to_string();
    match error.kind() {
        Kind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            errors.add(FieldError::new(below(&place, name), "is missing"));
        }
        Kind::AdditionalProperties { unexpected } => {
            for name in unexpected {
                errors.add(FieldError::new(below(&place, name), "is not a known field"));
            }
        }
        kind => errors.add(FieldError::new(place, detail(kind))),
    }
}

/// Returns the JSON pointer of a field of the object at `place`. Shortens the long name of an unknown field.
fn below(place: &str, name: &str) -> String {
    let end = name.char_indices().nth(MAX_NAME).map(|(end, _)| end);
    let (name, more) = end.map_or((name, ""), |end| (&name[..end], "…"));
    format!("{place}/{}{more}", name.replace('~', "~0").replace('/', "~1"))
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
