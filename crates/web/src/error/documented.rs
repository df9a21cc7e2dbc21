//! The error responses in the OpenAPI document, each with an example. Operations refer to these responses.

use poem::{Error, error::ReadBodyError, http::StatusCode};
use poem_openapi::{
    ApiResponse,
    error::ContentTypeError,
    registry::{MetaMediaType, MetaResponse, MetaResponses, Registry},
    types::{ToJSON, Type},
};
use serde_json::{Value, json};

use super::{
    ApiError, ApiErrorOr,
    problem::{FieldError, PROBLEM_JSON, Problem},
    to_problem,
};

/// Lists only the status 500, because `openapi::responses` adds the other errors of each operation. Without this
/// reference, poem-openapi would omit the schema of a problem document.
impl ApiResponse for ApiError {
    fn meta() -> MetaResponses {
        let problem = MetaMediaType { content_type: PROBLEM_JSON, schema: Problem::schema_ref() };
        let response = MetaResponse {
            description: "",
            status: Some(500),
            status_range: None,
            content: vec![problem],
            headers: Vec::new(),
        };
        MetaResponses { responses: vec![response] }
    }

    fn register(registry: &mut Registry) {
        Problem::register(registry);
    }
}

impl<const A: u16, const B: u16> ApiResponse for ApiErrorOr<A, B> {
    fn meta() -> MetaResponses {
        let mut meta = ApiError::meta();
        for status in [A, B] {
            let response = ApiError::meta().responses.remove(0);
            meta.responses.push(MetaResponse { status: Some(status), ..response });
        }
        meta
    }

    fn register(registry: &mut Registry) {
        ApiError::register(registry);
    }
}

/// Returns every error response with its status.
pub(crate) fn responses() -> impl Iterator<Item = (StatusCode, Value)> {
    examples().into_iter().map(|(description, error)| {
        let problem = to_problem(&error, "019b7c2e-6c88-7000-8000-000000000000");
        let content = json!({
            "schema": { "$ref": format!("#/components/schemas/{}", Problem::name()) },
            "example": problem.to_json(),
        });
        let response = json!({ "description": description, "content": { PROBLEM_JSON: content } });
        (problem.status(), response)
    })
}

fn examples() -> [(&'static str, Error); 14] {
    let value = |pointer: &str, detail| vec![FieldError::new(pointer.to_owned(), detail)];
    let too_short = value("/name", "must have at least 1 characters");
    let unsupported = ContentTypeError::NotSupported { content_type: String::new() };
    [
        (
            "The body is not JSON, or the request is ambiguous",
            ApiError::Malformed { line: 1, column: 2 }.into(),
        ),
        ("The token is missing or invalid", ApiError::Unauthorized.into()),
        (
            "The caller does not have the required role",
            ApiError::Forbidden("this operation requires the role admin").into(),
        ),
        ("The resource does not exist", ApiError::NotFound("person").into()),
        ("The body was not received in time", ApiError::SlowBody.into()),
        (
            "A value conflicts with a stored resource",
            ApiError::Conflict(value("/email", "already has an account")).into(),
        ),
        ("The resource does not have the version in `If-Match`", ApiError::Stale.into()),
        ("The body exceeds the size limit", ReadBodyError::PayloadTooLarge.into()),
        ("The body is not application/json", unsupported.into()),
        (
            "The request contains invalid values, listed in `errors`",
            ApiError::Invalid(too_short).into(),
        ),
        ("Too many requests or attempts", ApiError::TooManyRequests { seconds: 30 }.into()),
        ("Internal error of the server", StatusCode::INTERNAL_SERVER_ERROR.into()),
        (
            "The server is overloaded or shutting down, or the database is unavailable. Try again soon",
            ApiError::Stopping.into(),
        ),
        ("The request was not handled in time", ApiError::Timeout.into()),
    ]
}
