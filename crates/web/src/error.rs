//! All errors of the API, sent as problem documents (RFC 9457).
//!
//! Handlers return [`ApiError`] with `?`. `respond` converts this error, or an error of the framework, to a response.
//! A 5xx response contains only the request ID. The server logs the cause.

pub(crate) mod documented;
mod mapping;
mod problem;

use poem::{
    IntoResponse, Response,
    error::{MethodNotAllowedError, ReadBodyError, ResponseError},
    http::{StatusCode, header},
};
use poem_openapi::error::{AuthorizationError, ContentTypeError, ParseParamError, ParsePathError};
use store::Error as DbError;

use crate::paths::KnownPath;
pub use mapping::DatabaseResult;
pub use problem::FieldError;
use problem::Problem;

/// The value of `Retry-After`, in seconds, while the server or the database is unavailable.
const RETRY_AFTER: &str = "1";

/// An error of an operation.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The request has no valid token.
    #[error("the token is unknown, expired or revoked")]
    Unauthorized,
    /// Log-in with a wrong email address or password.
    #[error("the email address or the password is wrong")]
    WrongPassword,
    /// The caller does not have the permission. Contains the reason.
    #[error("{0}")]
    Forbidden(&'static str),
    /// Too many passwords were tried.
    #[error("too many attempts: try again in {seconds} seconds")]
    TooManyAttempts {
        /// The seconds until the next attempt is allowed.
        seconds: u64,
    },
    /// The resource does not exist. Contains the name of its type.
    #[error("the {0} does not exist")]
    NotFound(&'static str),
    /// Field values that conflict with a stored row, such as a duplicate of a unique value.
    #[error("a value conflicts with a stored resource")]
    Conflict(Vec<FieldError>),
    /// A request that a proxy could interpret in another way. Contains the reason.
    #[error("{0}")]
    Ambiguous(&'static str),
    /// The body is not JSON. Contains the place of the syntax error.
    #[error("the body is not JSON: line {line}, column {column}")]
    Malformed {
        /// The line, starting at 1.
        line: usize,
        /// The column, starting at 1.
        column: usize,
    },
    /// All invalid values of the request.
    #[error("the request contains invalid values")]
    Invalid(Vec<FieldError>),
    /// The resource does not have the version in `If-Match`.
    #[error("the resource was changed since you read it: read it again")]
    Stale,
    /// The `Idempotency-Key` belongs to another request.
    #[error("this Idempotency-Key was already used for another request")]
    KeyReused,
    /// The schema of the database is older than this server needs.
    #[error(
        "the schema is at version {found}, but this server needs version {needed}: run the migrations"
    )]
    SchemaBehind {
        /// The version of the schema.
        found: i32,
        /// The version that this server needs.
        needed: i32,
    },
    /// The server is shutting down.
    #[error("the server is shutting down")]
    Stopping,
    /// The body was not received in time.
    #[error("the body was not received in time")]
    SlowBody,
    /// The request was not handled in time.
    #[error("the request was not handled in time")]
    Timeout,
    /// An error of the database.
    #[error(transparent)]
    Database(#[from] DbError),
    /// A stored response cannot be read or written.
    #[error("the stored response is not JSON")]
    StoredResponse(#[from] serde_json::Error),
}

/// An [`ApiError`] of an operation that can also fail with the statuses `A` and `B`. The OpenAPI document lists them in
/// addition to the statuses that follow from the parameters of the operation.
#[derive(Debug)]
pub struct ApiErrorOr<const A: u16, const B: u16 = A>(ApiError);

impl<E: Into<ApiError>, const A: u16, const B: u16> From<E> for ApiErrorOr<A, B> {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl<const A: u16, const B: u16> From<ApiErrorOr<A, B>> for poem::Error {
    fn from(error: ApiErrorOr<A, B>) -> Self {
        error.0.into()
    }
}

impl ApiError {
    /// Returns the error for a body that is not JSON. Does not contain serde's message, which may repeat a value.
    pub(crate) fn malformed(error: &serde_json::Error) -> Self {
        Self::Malformed { line: error.line(), column: error.column() }
    }

    /// Returns the error for a body that matches its schema but cannot be parsed, such as an invalid date.
    pub(crate) fn invalid_format() -> Self {
        Self::Invalid(vec![FieldError::new(
            String::new(),
            "contains a text with an invalid format",
        )])
    }

    fn fields(&self) -> Option<&Vec<FieldError>> {
        match self {
            Self::Conflict(errors) | Self::Invalid(errors) => Some(errors),
            _ => None,
        }
    }
}

impl store::Retry for ApiError {
    fn is_conflict(&self) -> bool {
        matches!(self, Self::Database(DbError::Conflict(_)))
    }
}

impl ResponseError for ApiError {
    fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorized | Self::WrongPassword => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::TooManyAttempts { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::NotFound(_) | Self::Database(DbError::NotFound) => StatusCode::NOT_FOUND,
            Self::Conflict(_)
            | Self::Database(DbError::Duplicate { .. } | DbError::Reference { .. }) => {
                StatusCode::CONFLICT
            }
            Self::Malformed { .. } | Self::Ambiguous(_) => StatusCode::BAD_REQUEST,
            Self::Invalid(_) | Self::KeyReused | Self::Database(DbError::Invalid(_)) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::Stale => StatusCode::PRECONDITION_FAILED,
            Self::SlowBody => StatusCode::REQUEST_TIMEOUT,
            Self::Stopping
            | Self::SchemaBehind { .. }
            | Self::Database(
                DbError::Unavailable(_) | DbError::Unauthorized(_) | DbError::Conflict(_),
            ) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Timeout | Self::Database(DbError::Timeout(_)) => StatusCode::GATEWAY_TIMEOUT,
            Self::StoredResponse(_) | Self::Database(DbError::Other(_) | DbError::Setting(_)) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }
}

/// Returns the response for `error`, and logs the cause of a 5xx.
pub(crate) fn respond(error: &poem::Error, request_id: &str) -> Response {
    let status = status(error);
    if status.is_server_error() {
        log_cause(error, status);
    }
    let mut response = to_problem(error, request_id).into_response();
    let headers = response.headers_mut();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, header::HeaderValue::from_static(RETRY_AFTER));
    }
    if let (StatusCode::METHOD_NOT_ALLOWED, Some(path)) = (status, error.data::<KnownPath>()) {
        headers.insert(header::ALLOW, path.allow.clone());
    }
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
    }
    if let Some(ApiError::Ambiguous(_)) = error.downcast_ref() {
        // The client may interpret the rest of the connection in another way.
        headers.insert(header::CONNECTION, header::HeaderValue::from_static("close"));
    }
    if let Some(ApiError::TooManyAttempts { seconds }) = error.downcast_ref() {
        headers.insert(header::RETRY_AFTER, (*seconds).into());
    }
    response
}

/// Returns the response for a panic in a handler. The panic hook logs the panic.
pub(crate) fn panicked(request_id: &str) -> Response {
    let mut problem = Problem::new(StatusCode::INTERNAL_SERVER_ERROR);
    problem.request_id = Some(request_id.to_owned());
    problem.into_response()
}

/// Returns the problem document of `error`.
fn to_problem(error: &poem::Error, request_id: &str) -> Problem {
    let status = status(error);
    let mut problem = Problem::new(status);
    if status.is_server_error() {
        problem.request_id = Some(request_id.to_owned());
    } else {
        problem.detail = Some(detail(error));
        problem.errors = field_errors(error);
    }
    problem
}

fn status(error: &poem::Error) -> StatusCode {
    // A resource with an invalid ID in its path cannot exist.
    if error.is::<ParsePathError>() {
        return StatusCode::NOT_FOUND;
    }
    if error.is::<ParseParamError>() {
        return StatusCode::UNPROCESSABLE_ENTITY;
    }
    error.status()
}

/// Returns the errors of single values.
fn field_errors(error: &poem::Error) -> Option<Vec<FieldError>> {
    if let Some(error) = error.downcast_ref::<ParseParamError>() {
        return Some(vec![FieldError::parameter(
            error.name,
            "is invalid, see the OpenAPI document",
        )]);
    }
    error.downcast_ref::<ApiError>()?.fields().cloned()
}

/// Returns the `detail` of a 4xx response.
fn detail(error: &poem::Error) -> String {
    if let Some(error) = error.downcast_ref::<ApiError>() {
        return match error {
            ApiError::Database(DbError::Invalid(_)) => "a value cannot be stored".to_owned(),
            ApiError::Database(DbError::Duplicate { .. }) => "a value is already taken".to_owned(),
            ApiError::Database(DbError::Reference { .. }) => {
                "another resource refers to this resource".to_owned()
            }
            error => error.to_string(),
        };
    }
    if error.is::<AuthorizationError>() {
        return "send a token as Authorization: Bearer <token>".to_owned();
    }
    if error.is::<ParseParamError>() {
        return "a parameter is invalid".to_owned();
    }
    if error.is::<ContentTypeError>() {
        return "send the body as Content-Type: application/json".to_owned();
    }
    if error.is::<ReadBodyError>() {
        return "the body cannot be read or exceeds the size limit".to_owned();
    }
    if error.is::<MethodNotAllowedError>() {
        return "this path does not support this method".to_owned();
    }
    "this path does not exist".to_owned()
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
