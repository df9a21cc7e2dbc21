//! All errors of the API, sent as problem documents (RFC 9457).
//!
//! Handlers return [`ApiError`] with `?`. `respond` converts this error, or an error of the framework, to a response.
//! A 5xx response contains only the request ID. The server logs the cause.

mod detail;
pub(crate) mod documented;
mod errors;
mod mapping;
mod problem;

use poem::{
    IntoResponse, Response,
    error::ResponseError,
    http::{StatusCode, header},
};
use poem_openapi::error::{ParseParamError, ParsePathError};
use store::Error as DbError;

use crate::paths::KnownPath;
use detail::{detail, field_errors};
pub(crate) use errors::Errors;
pub use mapping::DatabaseResult;
pub use problem::FieldError;
use problem::Problem;

/// The value of `Retry-After`, in seconds, while the server or the database is unavailable.
const RETRY_AFTER: &str = "1";

/// An error of an operation.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The token is missing or invalid.
    #[error("the token is unknown, expired or revoked")]
    Unauthorized,
    /// Log-in with a wrong email address or password.
    #[error("the email address or the password is wrong")]
    WrongPassword,
    /// The caller does not have the permission. Contains the reason.
    #[error("{0}")]
    Forbidden(&'static str),
    /// Too many passwords were tried.
    #[error("too many attempts. Try again in {seconds} seconds")]
    TooManyAttempts {
        /// The seconds until the next attempt is allowed.
        seconds: u64,
    },
    /// Too many requests with this token or from this address.
    #[error("too many requests. Try again in {seconds} seconds")]
    TooManyRequests {
        /// The seconds until the next request is allowed.
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
    /// The body begins with a byte order mark.
    #[error("the body begins with a byte order mark. Send JSON as UTF-8 without a byte order mark")]
    ByteOrderMark,
    /// The body has a `Content-Encoding`.
    #[error(
        "the server does not support this Content-Encoding. Send the body without a Content-Encoding"
    )]
    Encoded,
    /// Invalid values of the request.
    #[error("the request contains invalid values")]
    Invalid(Vec<FieldError>),
    /// The request has more invalid values than a response lists.
    #[error("the request contains {number} invalid values, of which `errors` lists the first")]
    TooManyInvalid {
        /// The number of invalid values.
        number: usize,
        /// The first invalid values, which the response lists.
        first: Vec<FieldError>,
    },
    /// The resource does not have the version in `If-Match`.
    #[error("the resource was changed since you read it. Read it again")]
    Stale,
    /// The `Idempotency-Key` belongs to another request.
    #[error("this Idempotency-Key was already used for another request")]
    KeyReused,
    /// The schema of the database is older than this server needs.
    #[error(
        "the schema is at version {found}, but this server needs version {needed}. Run the migrations"
    )]
    SchemaBehind {
        /// The version of the schema.
        found: i32,
        /// The version that this server needs.
        needed: i32,
    },
    /// The bodies of running requests take all of API_BODY_MEMORY_BYTES.
    #[error("request bodies take all of API_BODY_MEMORY_BYTES")]
    NoBodyMemory,
    /// Too many passwords wait to be verified.
    #[error("too many passwords wait to be hashed")]
    Busy,
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
    /// A stored response cannot be read.
    #[error("the stored response has an invalid status or header")]
    StoredResponse,
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
    pub(crate) fn malformed(body: &[u8], error: &serde_json::Error) -> Self {
        // The byte order mark in UTF-8, and in both byte orders of UTF-16.
        let marks: [&[u8]; 3] = [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"];
        if marks.iter().any(|mark| body.starts_with(mark)) {
            return Self::ByteOrderMark;
        }
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
            Self::Conflict(errors)
            | Self::Invalid(errors)
            | Self::TooManyInvalid { first: errors, .. } => Some(errors),
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
            Self::TooManyAttempts { .. } | Self::TooManyRequests { .. } => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Self::NotFound(_) | Self::Database(DbError::NotFound) => StatusCode::NOT_FOUND,
            Self::Conflict(_)
            | Self::Database(DbError::Duplicate { .. } | DbError::Reference { .. }) => {
                StatusCode::CONFLICT
            }
            Self::Malformed { .. } | Self::ByteOrderMark | Self::Ambiguous(_) => {
                StatusCode::BAD_REQUEST
            }
            Self::Encoded => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Invalid(_)
            | Self::TooManyInvalid { .. }
            | Self::KeyReused
            | Self::Database(DbError::Invalid(_)) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Stale => StatusCode::PRECONDITION_FAILED,
            Self::SlowBody => StatusCode::REQUEST_TIMEOUT,
            Self::NoBodyMemory
            | Self::Busy
            | Self::Stopping
            | Self::SchemaBehind { .. }
            | Self::Database(
                DbError::Unavailable(_) | DbError::Unauthorized(_) | DbError::Conflict(_),
            ) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Timeout | Self::Database(DbError::Timeout(_)) => StatusCode::GATEWAY_TIMEOUT,
            Self::StoredResponse | Self::Database(DbError::Other(_) | DbError::Setting(_)) => {
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
        // The connection is closed, because client and server may disagree about where the next request starts.
        headers.insert(header::CONNECTION, header::HeaderValue::from_static("close"));
    }
    if let Some(ApiError::Encoded) = error.downcast_ref() {
        // The response lists the supported encodings (RFC 9110, section 15.5.16).
        headers.insert(header::ACCEPT_ENCODING, header::HeaderValue::from_static("identity"));
    }
    if let Some(ApiError::TooManyAttempts { seconds } | ApiError::TooManyRequests { seconds }) =
        error.downcast_ref()
    {
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
    // An invalid ID in the path cannot belong to an existing resource.
    if error.is::<ParsePathError>() {
        return StatusCode::NOT_FOUND;
    }
    if error.is::<ParseParamError>() {
        return StatusCode::UNPROCESSABLE_ENTITY;
    }
    error.status()
}

fn log_cause(error: &poem::Error, status: StatusCode) {
    let mut chain = error.to_string();
    let mut source =
        error.downcast_ref::<ApiError>().and_then(|error| std::error::Error::source(error));
    while let Some(cause) = source {
        chain = format!("{chain}: {}", store::without_values(cause));
        source = cause.source();
    }
    if status == StatusCode::INTERNAL_SERVER_ERROR {
        tracing::error!(error = chain, "request failed");
    } else {
        tracing::warn!(error = chain, "request failed");
    }
}
