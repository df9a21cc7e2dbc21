//! What can go wrong with the database, in the cases that callers tell apart.

use deadpool_postgres::PoolError;
use tokio_postgres::error::SqlState;

/// What can go wrong with the database. SQLSTATE codes are read here and nowhere else.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The row asked for does not exist.
    #[error("there is no such row")]
    NotFound,
    /// A unique constraint, named here, refused the value.
    #[error("a row with this value exists already ({constraint})")]
    Duplicate {
        /// The constraint's name, as the migrations spell it.
        constraint: String,
    },
    /// The value is one that PostgreSQL cannot store: a check failed, or a text holds a NUL.
    #[error("the database refuses the value")]
    Invalid(#[source] tokio_postgres::Error),
    /// The database is away, is starting, has no connection free, or has no schema yet.
    #[error("the database cannot be used right now")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The server refuses the user or its password.
    #[error("the database refuses the user or its password")]
    Unauthorized(#[source] tokio_postgres::Error),
    /// The statement took longer than it may.
    #[error("the database took too long")]
    Timeout(#[source] tokio_postgres::Error),
    /// Anything else: a mistake of ours.
    #[error("the database reports an error")]
    Other(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(state) = error.code() else {
            // No SQLSTATE: the connection broke or was never made, or a value had the wrong type.
            let cause = std::error::Error::source(&error);
            let connection = error.is_closed()
                || cause.is_some_and(<dyn std::error::Error>::is::<std::io::Error>);
            return if connection {
                Self::Unavailable(error.into())
            } else {
                Self::Other(error.into())
            };
        };
        match state {
            &SqlState::UNIQUE_VIOLATION | &SqlState::DUPLICATE_DATABASE => Self::Duplicate {
                constraint: error
                    .as_db_error()
                    .and_then(tokio_postgres::error::DbError::constraint)
                    .unwrap_or_default()
                    .to_owned(),
            },
            &SqlState::CHECK_VIOLATION
            | &SqlState::CHARACTER_NOT_IN_REPERTOIRE
            | &SqlState::UNTRANSLATABLE_CHARACTER => Self::Invalid(error),
            &SqlState::INVALID_PASSWORD | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
                Self::Unauthorized(error)
            }
            &SqlState::QUERY_CANCELED => Self::Timeout(error),
            &SqlState::ADMIN_SHUTDOWN
            | &SqlState::CRASH_SHUTDOWN
            | &SqlState::CANNOT_CONNECT_NOW
            | &SqlState::TOO_MANY_CONNECTIONS
            // Between the two halves of a swap, or before the first migration.
            | &SqlState::UNDEFINED_DATABASE
            | &SqlState::UNDEFINED_TABLE
            | &SqlState::OBJECT_IN_USE => Self::Unavailable(error.into()),
            other if other.code().starts_with("08") => Self::Unavailable(error.into()),
            _ => Self::Other(error.into()),
        }
    }
}

impl From<PoolError> for Error {
    fn from(error: PoolError) -> Self {
        match error {
            // A connection that could not be made is an outage whatever the reason, a wrong
            // password included; the cause is in the log.
            PoolError::Backend(_) | PoolError::Timeout(_) | PoolError::Closed => {
                Self::Unavailable(error.into())
            }
            other => Self::Other(other.into()),
        }
    }
}
