//! Every error a client can get, as RFC 9457 problem+json.
//!
//! Handlers return [`ApiError`] with `?`; [`respond`] turns it, and whatever the framework itself
//! refuses, into an answer. A 5xx answer carries fixed text and the request id; its cause is logged.

use std::any::Any;

use db::Error as DbError;
use poem::{
    IntoResponse, Response,
    error::{MethodNotAllowedError, ReadBodyError, ResponseError},
    http::{StatusCode, header},
};
use poem_openapi::{
    ApiResponse, Object,
    error::{ContentTypeError, ParseParamError, ParsePathError, ParseRequestPayloadError},
    registry::{MetaMediaType, MetaResponse, MetaResponses, Registry},
    types::{ToJSON, Type},
};

const PROBLEM_JSON: &str = "application/problem+json";
/// Seconds after which a client may try again when the database is away.
const RETRY_AFTER: &str = "1";

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
    detail: Option<String>,
    /// Names this request in the server's log; only when the server is at fault.
    request_id: Option<String>,
}

/// What an operation can end with instead of its answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("there is no {0} with this id")]
    NotFound(&'static str),
    #[error("{0}")]
    Conflict(&'static str),
    #[error("{0}")]
    Invalid(String),
    #[error("the schema is at version {found}, this server needs {needed}: run the migrations")]
    SchemaBehind { found: i32, needed: i32 },
    #[error("the request took too long")]
    Timeout,
    #[error(transparent)]
    Database(#[from] DbError),
}

impl ResponseError for ApiError {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound(_) | Self::Database(DbError::NotFound) => StatusCode::NOT_FOUND,
            Self::Conflict(_) | Self::Database(DbError::Duplicate { .. }) => StatusCode::CONFLICT,
            Self::Invalid(_) | Self::Database(DbError::Invalid(_)) => StatusCode::BAD_REQUEST,
            Self::SchemaBehind { .. }
            | Self::Database(DbError::Unavailable(_) | DbError::Unauthorized(_)) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Timeout | Self::Database(DbError::Timeout(_)) => StatusCode::GATEWAY_TIMEOUT,
            Self::Database(DbError::Other(_)) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// The errors that any operation can end with, for the document.
impl ApiResponse for ApiError {
    fn meta() -> MetaResponses {
        let response = |status: StatusCode, description| MetaResponse {
            description,
            status: Some(status.as_u16()),
            status_range: None,
            content: vec![MetaMediaType {
                content_type: PROBLEM_JSON,
                schema: Problem::schema_ref(),
            }],
            headers: Vec::new(),
        };
        MetaResponses {
            responses: vec![
                response(
                    StatusCode::BAD_REQUEST,
                    "The request is malformed or a value is not valid",
                ),
                response(StatusCode::NOT_FOUND, "There is nothing under this id"),
                response(StatusCode::CONFLICT, "A value is taken already"),
                response(StatusCode::PAYLOAD_TOO_LARGE, "The body is larger than the server takes"),
                response(StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body is not application/json"),
                response(StatusCode::INTERNAL_SERVER_ERROR, "The server made a mistake"),
                response(StatusCode::SERVICE_UNAVAILABLE, "The database is away: try again soon"),
                response(StatusCode::GATEWAY_TIMEOUT, "The request took too long"),
            ],
        }
    }

    fn register(registry: &mut Registry) {
        Problem::register(registry);
    }
}

/// The answer to a request that ended with `error`; the cause of a 5xx goes to the log, once.
pub(crate) fn respond(error: &poem::Error, request_id: &str) -> Response {
    let status = status(error);
    let mut problem = Problem::new(status);
    if status.is_server_error() {
        problem.request_id = Some(request_id.to_owned());
        log_cause(error, status);
    } else {
        problem.detail = Some(detail(error));
    }
    let mut response = problem.into_response();
    let headers = response.headers_mut();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, header::HeaderValue::from_static(RETRY_AFTER));
    }
    response
}

/// What [`poem::middleware::CatchPanic`] answers; the panic hook has logged the panic itself.
pub(crate) fn panicked(_: Box<dyn Any + Send>) -> Response {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR).into_response()
}

impl Problem {
    fn new(status: StatusCode) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        let code = title.to_ascii_lowercase().replace(' ', "_");
        Self {
            kind: format!("urn:problem:{code}"),
            title: title.to_owned(),
            status: status.as_u16(),
            code,
            detail: None,
            request_id: None,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        Response::builder()
            .status(StatusCode::from_u16(self.status).expect("made from a status"))
            .content_type(PROBLEM_JSON)
            .body(self.to_json_string())
    }
}

fn status(error: &poem::Error) -> StatusCode {
    // poem answers 400 to a path parameter that does not parse: no such resource can exist.
    if error.is::<ParsePathError>() { StatusCode::NOT_FOUND } else { error.status() }
}

/// What to tell a client about its own mistake.
fn detail(error: &poem::Error) -> String {
    if let Some(error) = error.downcast_ref::<ApiError>() {
        return match error {
            ApiError::Database(DbError::Invalid(_)) => "a value cannot be stored".to_owned(),
            ApiError::Database(DbError::Duplicate { .. }) => "a value is taken already".to_owned(),
            error => error.to_string(),
        };
    }
    if let Some(error) = error.downcast_ref::<ParseRequestPayloadError>() {
        return error.reason.clone();
    }
    if let Some(error) = error.downcast_ref::<ParseParamError>() {
        return format!("the parameter {}: {}", error.name, error.reason);
    }
    if error.is::<ContentTypeError>() {
        return "send the body as Content-Type: application/json".to_owned();
    }
    if error.is::<ReadBodyError>() {
        return "the body cannot be read, or is larger than the server takes".to_owned();
    }
    if error.is::<MethodNotAllowedError>() {
        return "this path does not know this method".to_owned();
    }
    "nothing is here".to_owned()
}

fn log_cause(error: &poem::Error, status: StatusCode) {
    use std::fmt::Write as _;

    let mut chain = error.to_string();
    let mut source =
        error.downcast_ref::<ApiError>().and_then(|error| std::error::Error::source(error));
    while let Some(cause) = source {
        // A write to a String cannot fail.
        let _ = write!(chain, ": {cause}");
        source = cause.source();
    }
    if status == StatusCode::INTERNAL_SERVER_ERROR {
        tracing::error!(error = chain, "request failed");
    } else {
        tracing::warn!(error = chain, "request failed");
    }
}
