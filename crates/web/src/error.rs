//! Every error a client can get, as RFC 9457 problem+json.
//!
//! Handlers return [`ApiError`] with `?`; `respond` turns it, and whatever the framework itself
//! refuses, into an answer. A 5xx answer carries fixed text and the request id; its cause is logged.

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

/// Seconds after which a client may try again when the database is away.
const RETRY_AFTER: &str = "1";

/// What an operation can end with instead of its answer.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// No token, or none that counts.
    #[error("the token is unknown, expired or revoked")]
    Unauthorized,
    /// Not who they say they are.
    #[error("the e-mail address or the password is wrong")]
    WrongPassword,
    /// The caller may not do this; why.
    #[error("{0}")]
    Forbidden(&'static str),
    /// Too many passwords were tried.
    #[error("too many attempts: try again in {seconds} seconds")]
    TooManyAttempts {
        /// Until the next one counts.
        seconds: u64,
    },
    /// There is no such thing; what it is called.
    #[error("there is no {0} with this id")]
    NotFound(&'static str),
    /// Fields whose values there may be only once.
    #[error("a value conflicts with what is stored")]
    Conflict(Vec<FieldError>),
    /// A request that somebody else could read in another way.
    #[error("{0}")]
    Ambiguous(&'static str),
    /// A body that is no JSON; where it ceases to be.
    #[error("the body is not JSON: line {line}, column {column}")]
    Malformed {
        /// From 1 on.
        line: usize,
        /// From 1 on.
        column: usize,
    },
    /// Everything that is wrong with the values.
    #[error("the request has values that are not valid")]
    Invalid(Vec<FieldError>),
    /// The version that the client knows is not the newest.
    #[error("it was changed since you read it: read it again")]
    Stale,
    /// An `Idempotency-Key` of another request.
    #[error("this Idempotency-Key came with another request before")]
    KeyReused,
    /// A database whose migrations have not run.
    #[error("the schema is at version {found}, this server needs {needed}: run the migrations")]
    SchemaBehind {
        /// The last migration it has.
        found: i32,
        /// The last one of this server.
        needed: i32,
    },
    /// The server takes no more work.
    #[error("the server is stopping")]
    Stopping,
    /// A body that did not come in time.
    #[error("the body took too long to come")]
    SlowBody,
    /// An answer that was not ready in time.
    #[error("the request took too long")]
    Timeout,
    /// What the database says.
    #[error(transparent)]
    Database(#[from] DbError),
    /// A stored answer that cannot be read, or one that cannot be stored.
    #[error("what was kept is not JSON")]
    Kept(#[from] serde_json::Error),
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
    /// A body that is no JSON. serde's own message may repeat a value, and so is not used.
    pub(crate) fn malformed(error: &serde_json::Error) -> Self {
        Self::Malformed { line: error.line(), column: error.column() }
    }

    /// A body whose texts pass their schema but do not parse.
    pub(crate) fn invalid_format() -> Self {
        Self::Invalid(vec![FieldError::new(String::new(), "has a text with an invalid format")])
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
            Self::Kept(_) | Self::Database(DbError::Other(_) | DbError::Setting(_)) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }
}

/// The answer to a request that ended with `error`; the cause of a 5xx goes to the log, once.
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
        // What follows on the connection may not be what the client takes it for.
        headers.insert(header::CONNECTION, header::HeaderValue::from_static("close"));
    }
    if let Some(ApiError::TooManyAttempts { seconds }) = error.downcast_ref() {
        headers.insert(header::RETRY_AFTER, (*seconds).into());
    }
    response
}

/// The answer to a request whose handler panicked; the panic hook has logged why.
pub(crate) fn panicked(request_id: &str) -> Response {
    let mut problem = Problem::new(StatusCode::INTERNAL_SERVER_ERROR);
    problem.request_id = Some(request_id.to_owned());
    problem.into_response()
}

/// What a client is told of `error`.
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
    // A path parameter that does not parse: no such resource can exist.
    if error.is::<ParsePathError>() {
        return StatusCode::NOT_FOUND;
    }
    if error.is::<ParseParamError>() {
        return StatusCode::UNPROCESSABLE_ENTITY;
    }
    error.status()
}

/// What is wrong with values, one by one.
fn field_errors(error: &poem::Error) -> Option<Vec<FieldError>> {
    if let Some(error) = error.downcast_ref::<ParseParamError>() {
        return Some(vec![FieldError::parameter(error.name, "is not valid: see the document")]);
    }
    error.downcast_ref::<ApiError>()?.fields().cloned()
}

/// What to tell a client about its own mistake.
fn detail(error: &poem::Error) -> String {
    if let Some(error) = error.downcast_ref::<ApiError>() {
        return match error {
            ApiError::Database(DbError::Invalid(_)) => "a value cannot be stored".to_owned(),
            ApiError::Database(DbError::Duplicate { .. }) => "a value is taken already".to_owned(),
            ApiError::Database(DbError::Reference { .. }) => "something else needs it".to_owned(),
            error => error.to_string(),
        };
    }
    if error.is::<AuthorizationError>() {
        return "send a token as Authorization: Bearer <token>".to_owned();
    }
    if error.is::<ParseParamError>() {
        return "a parameter is not valid".to_owned();
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
