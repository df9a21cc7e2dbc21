//! The responses of operations: the errors of each operation, and the headers of each response.

use poem::http::StatusCode;
use serde_json::{Map, Value, json};

use super::values::{members, members_mut};
use crate::{error::documented, middleware::DEFAULTS};

/// Returns each error response once. [`correct`] adds references to these responses.
pub(super) fn errors() -> Value {
    let response = |(status, mut response): (StatusCode, Value)| {
        response["headers"] = common_headers(status.as_str()).into();
        (name(status), response)
    };
    documented::responses().map(response).collect()
}

/// Returns each common header once.
pub(super) fn headers() -> Value {
    let header = |description: &str, schema: Value| json!({ "description": description, "required": true, "schema": schema });
    let text = || json!({ "type": "string" });
    let mut headers = Map::new();
    for (name, value) in DEFAULTS {
        let description = "A fixed security or caching policy for browsers.";
        headers.insert(usual(name.as_str()), header(description, json!({ "const": value })));
    }
    let id = "The ID of this request in the server's log. Repeats the `X-Request-Id` of the request, if it is valid.";
    headers.insert("X-Request-Id".to_owned(), header(id, text()));
    let retry = "The number of seconds to wait before the next attempt.";
    headers.insert("Retry-After".to_owned(), header(retry, json!({ "type": "integer" })));
    let proof = "The authentication scheme that the operation requires.";
    headers.insert("WWW-Authenticate".to_owned(), header(proof, json!({ "const": "Bearer" })));
    headers.into()
}

/// Adds the possible errors of an operation, and the headers of its responses.
pub(super) fn correct(operation: &mut Value) {
    let possible = possible_errors(operation);
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    for (status, response) in responses.iter_mut() {
        correct_headers(status, response);
    }
    for status in possible {
        let reference = format!("#/components/responses/{}", name(status));
        responses.insert(status.as_str().to_owned(), json!({ "$ref": reference }));
    }
}

/// Describes a response without a description by its schema.
pub(super) fn describe(operation: &mut Value, schemas: &Value) {
    for (_, response) in members_mut(&mut operation["responses"]) {
        if response["description"] == "" {
            let reference = response["content"]["application/json"]["schema"]["$ref"].as_str();
            let name = reference.and_then(|it| it.rsplit('/').next()).unwrap_or_default();
            response["description"] = schemas[name]["description"].clone();
        }
    }
}

fn possible_errors(operation: &Value) -> Vec<StatusCode> {
    let parameters = || operation["parameters"].as_array().into_iter().flatten();
    let has = |place: &str| parameters().any(|parameter| parameter["in"] == place);
    let has_body = operation.get("requestBody").is_some();
    let needs_token = operation.get("security").is_some();
    let documented: Vec<_> = members(&operation["responses"])
        .filter_map(|(status, _)| status.parse().ok())
        .filter(|status: &StatusCode| status.is_client_error() || status.is_server_error())
        .collect();
    // Any request can be ambiguous, can have unknown query parameters, and can have a body, which is read and limited.
    let mut possible = vec![
        StatusCode::BAD_REQUEST,
        StatusCode::REQUEST_TIMEOUT,
        StatusCode::PAYLOAD_TOO_LARGE,
        StatusCode::UNPROCESSABLE_ENTITY,
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::INTERNAL_SERVER_ERROR,
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::GATEWAY_TIMEOUT,
    ];
    for (status, is_possible) in [
        (StatusCode::UNSUPPORTED_MEDIA_TYPE, has_body),
        (StatusCode::UNAUTHORIZED, needs_token),
        (StatusCode::FORBIDDEN, needs_token),
        (StatusCode::NOT_FOUND, has("path")),
        (StatusCode::PRECONDITION_FAILED, parameters().any(|it| it["name"] == "If-Match")),
    ] {
        possible.extend(is_possible.then_some(status));
    }
    possible.extend(documented);
    possible
}

/// Writes header names in their usual spelling, and adds the common headers.
fn correct_headers(status: &str, response: &mut Value) {
    let given = response["headers"].take();
    let mut headers = common_headers(status);
    for (name, mut header) in given.as_object().cloned().unwrap_or_default() {
        if let Some(header) = header.as_object_mut() {
            header.remove("deprecated");
        }
        headers.insert(usual(&name), header);
    }
    response["headers"] = headers.into();
}

/// Returns references to the common headers of responses with this status.
fn common_headers(status: &str) -> Map<String, Value> {
    let mut names: Vec<_> = DEFAULTS.iter().map(|(name, _)| usual(name.as_str())).collect();
    names.push("X-Request-Id".to_owned());
    match status {
        "401" => names.push("WWW-Authenticate".to_owned()),
        "429" | "503" => names.push("Retry-After".to_owned()),
        _ => {}
    }
    let reference = |name: String| {
        let header = json!({ "$ref": format!("#/components/headers/{name}") });
        (name, header)
    };
    names.into_iter().map(reference).collect()
}

/// Returns the name of a status, such as `NotFound`.
fn name(status: StatusCode) -> String {
    status.canonical_reason().expect("a standard status").replace(' ', "")
}

/// Returns a header name in its usual spelling: `Location`, `ETag`.
fn usual(name: &str) -> String {
    if name.eq_ignore_ascii_case("etag") {
        return "ETag".to_owned();
    }
    let word = |word: &str| word[..1].to_uppercase() + &word[1..].to_lowercase();
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}
