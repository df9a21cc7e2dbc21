//! What an error looks like: RFC 9457 problem+json.

use poem::{IntoResponse, Response, http::StatusCode};
use poem_openapi::{Object, types::ToJSON};

pub(super) const PROBLEM_JSON: &str = "application/problem+json";

/// Why a request was not answered as asked, after RFC 9457.
#[derive(Debug, Clone, Object)]
#[oai(skip_serializing_if_is_none)]
pub(crate) struct Problem {
    /// What kind of problem it is, as a stable URI.
    #[oai(rename = "type")]
    kind: String,
    /// What kind of problem it is, for people.
    title: String,
    /// The HTTP status of this answer.
    status: u16,
    /// What kind of problem it is, for programs: stable.
    code: String,
    /// What is wrong in this very request.
    pub(super) detail: Option<String>,
    /// Everything that is wrong, if it is values.
    pub(super) errors: Option<Vec<FieldError>>,
    /// Names this request in the server's log; only when the server is at fault.
    pub(super) request_id: Option<String>,
}

/// One of several things that are wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct FieldError {
    /// Where in the body, as a JSON pointer (RFC 6901).
    pointer: Option<String>,
    /// Which parameter of query, path or header.
    parameter: Option<String>,
    /// What is wrong.
    detail: String,
}

impl FieldError {
    /// Something is wrong with the body at `pointer`.
    pub fn new(pointer: String, detail: impl Into<String>) -> Self {
        Self { pointer: Some(pointer), parameter: None, detail: detail.into() }
    }

    /// Something is wrong with the parameter `name`.
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
