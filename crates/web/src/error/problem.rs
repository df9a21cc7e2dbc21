//! The body of error responses: problem+json (RFC 9457).

use poem::{IntoResponse, Response, http::StatusCode};
use poem_openapi::{Object, types::ToJSON};

pub(super) const PROBLEM_JSON: &str = "application/problem+json";

/// An error, as defined by RFC 9457.
#[derive(Debug, Clone, Object)]
#[oai(skip_serializing_if_is_none)]
pub(crate) struct Problem {
    /// The stable URI of this kind of error.
    #[oai(rename = "type")]
    kind: String,
    /// The name of this kind of error, for people.
    title: String,
    /// The HTTP status of the response.
    status: u16,
    /// The stable code of this kind of error, for programs.
    code: String,
    /// The cause of the error in this request.
    pub(super) detail: Option<String>,
    /// All invalid values of the request.
    pub(super) errors: Option<Vec<FieldError>>,
    /// The id of the request in the server's log. Only errors of the server (5xx) have it.
    pub(super) request_id: Option<String>,
}

/// One invalid value of a request.
#[derive(Debug, Clone, PartialEq, Eq, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct FieldError {
    /// The place in the body, as a JSON pointer (RFC 6901).
    pointer: Option<String>,
    /// The name of the query, path or header parameter.
    parameter: Option<String>,
    /// The reason why the value is invalid.
    detail: String,
}

impl FieldError {
    /// Creates an error for the value at `pointer` in the body.
    pub fn new(pointer: String, detail: impl Into<String>) -> Self {
        Self { pointer: Some(pointer), parameter: None, detail: detail.into() }
    }

    /// Creates an error for the parameter `name`.
    pub fn parameter(name: &str, detail: impl Into<String>) -> Self {
        Self { pointer: None, parameter: Some(name.to_owned()), detail: detail.into() }
    }
}

impl Problem {
    pub(super) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).expect("made from a status")
    }

    pub(super) fn new(status: StatusCode) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        let code = title.to_ascii_lowercase().replace(' ', "_");
        Self {
            kind: format!("urn:problem:{code}"),
            title: title.to_owned(),
            status: status.as_u16(),
            code,
            detail: None,
            errors: None,
            request_id: None,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        Response::builder()
            .status(self.status())
            .content_type(PROBLEM_JSON)
            .body(self.to_json_string())
    }
}
