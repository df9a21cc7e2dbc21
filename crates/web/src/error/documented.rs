//! The errors as the document shows them: each once, with an example, for operations to refer to.

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

/// Which operation ends with which is what `document` knows. The one of all stands here, since
/// poem-openapi leaves out schemas that nothing refers to.
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

/// Every error of an operation: its status, and the response for the document.
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
            "The body is not JSON, or the request can be read in two ways",
            ApiError::Malformed { line: 1, column: 2 }.into(),
        ),
        ("There is no token, or none that is valid", ApiError::Unauthorized.into()),
        ("The caller may not do this", ApiError::Forbidden("only admins may do this").into()),
        ("There is nothing under this id", ApiError::NotFound("person").into()),
        ("The body came too slowly", ApiError::SlowBody.into()),
        (
            "A value conflicts with what is stored",
            ApiError::Conflict(value("/email", "has an account")).into(),
        ),
        ("It was changed since it was read", ApiError::Stale.into()),
        ("The body is larger than the server takes", ReadBodyError::PayloadTooLarge.into()),
        ("The body is not application/json", unsupported.into()),
        ("Values are not valid; `errors` names each", ApiError::Invalid(too_short).into()),
        ("Too many attempts", ApiError::TooManyAttempts { seconds: 900 }.into()),
        ("The server made a mistake", StatusCode::INTERNAL_SERVER_ERROR.into()),
        (
            "The database is away, or the server is stopping: try again soon",
            ApiError::Stopping.into(),
        ),
        ("The request took too long", ApiError::Timeout.into()),
    ]
}
