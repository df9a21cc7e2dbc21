//! Errors of the database, by the cases that callers distinguish.

use std::sync::Arc;

use deadpool_postgres::PoolError;
use tokio_postgres::error::{DbError, SqlState};

/// The cause of an error. The cause is shared, because a failed batch causes the errors of several calls.
type Cause = Arc<dyn std::error::Error + Send + Sync>;

/// An error of the database. Only this module reads SQLSTATE codes.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The row does not exist.
    #[error("the row does not exist")]
    NotFound,
    /// A unique constraint rejected the value.
    #[error("a row with this value already exists (constraint {constraint})")]
    Duplicate {
        /// The name of the constraint in the migrations.
        constraint: String,
    },
    /// A foreign key rejected the change: the referenced row does not exist, or other rows refer to this row.
    #[error("a row refers to a row that does not exist (constraint {constraint})")]
    Reference {
        /// The name of the constraint in the migrations.
        constraint: String,
    },
    /// PostgreSQL cannot store the value: a check constraint failed, or a text contains NUL.
    #[error("the database rejected the value")]
    Invalid(#[source] Cause),
    /// The database is unreachable, starting, out of connections or without a schema, or a lock was not available in
    /// time.
    #[error("the database is temporarily unavailable")]
    Unavailable(#[source] Cause),
    /// The server rejected the user or the password.
    #[error("the database rejected the user or the password")]
    Unauthorized(#[source] Cause),
    /// The query exceeded its timeout.
    #[error("the query exceeded its timeout")]
    Timeout(#[source] Cause),
    /// The transaction conflicted with another transaction or a migration. PostgreSQL has rolled it back, and the
    /// caller can retry.
    #[error("the transaction conflicted with another one and can be retried")]
    Conflict(#[source] Cause),
    /// A setting of the database is invalid.
    #[error("a setting of the database is invalid")]
    Setting(#[source] Cause),
    /// Any other error. It is caused by a bug.
    #[error("unexpected error of the database")]
    Other(#[source] Cause),
}

impl Error {
    /// Wraps the cause of an outage.
    pub fn unavailable(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Unavailable(Arc::new(cause))
    }

    pub(crate) fn setting(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Setting(Arc::new(cause))
    }

    pub(crate) fn other(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Other(Arc::new(cause))
    }

    /// Returns true if the cause is the database and not the query.
    pub(crate) fn is_outage(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Unauthorized(_) | Self::Timeout(_))
    }
}

/// Returns the message of a cause, without the detail that PostgreSQL adds, because it can contain the values of a row.
pub fn without_values(cause: &(dyn std::error::Error + 'static)) -> String {
    cause.downcast_ref::<DbError>().map_or_else(
        || cause.to_string(),
        |error| format!("{}: {} ({})", error.severity(), error.message(), error.code().code()),
    )
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(state) = error.code() else {
            // An error without an SQLSTATE comes from the client: the connection failed, or a value had the wrong type.
            let cause = std::error::Error::source(&error);
            let connection = error.is_closed()
                || cause.is_some_and(<dyn std::error::Error>::is::<std::io::Error>);
            return if connection { Self::unavailable(error) } else { Self::other(error) };
        };
        match state {
            &SqlState::UNIQUE_VIOLATION
            | &SqlState::DUPLICATE_DATABASE
            | &SqlState::DUPLICATE_OBJECT => {
                Self::Duplicate { constraint: constraint(&error) }
            }
            &SqlState::FOREIGN_KEY_VIOLATION | &SqlState::RESTRICT_VIOLATION => {
                Self::Reference { constraint: constraint(&error) }
            }
            &SqlState::CHECK_VIOLATION
            | &SqlState::CHARACTER_NOT_IN_REPERTOIRE
            | &SqlState::UNTRANSLATABLE_CHARACTER => Self::Invalid(Arc::new(error)),
            &SqlState::INVALID_PASSWORD | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
                Self::Unauthorized(Arc::new(error))
            }
            &SqlState::QUERY_CANCELED => Self::Timeout(Arc::new(error)),
            &SqlState::T_R_SERIALIZATION_FAILURE
            | &SqlState::T_R_DEADLOCK_DETECTED
            // PostgreSQL returns this code if a migration has made a prepared statement invalid.
            | &SqlState::FEATURE_NOT_SUPPORTED => Self::Conflict(Arc::new(error)),
            &SqlState::ADMIN_SHUTDOWN
            | &SqlState::CRASH_SHUTDOWN
            | &SqlState::CANNOT_CONNECT_NOW
            | &SqlState::TOO_MANY_CONNECTIONS
            | &SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT
            | &SqlState::LOCK_NOT_AVAILABLE
            // The server has become a read-only standby.
            | &SqlState::READ_ONLY_SQL_TRANSACTION
            // The database or a table does not exist while databases are swapped, and before the first migration.
            | &SqlState::UNDEFINED_DATABASE
            | &SqlState::UNDEFINED_TABLE
            | &SqlState::OBJECT_IN_USE => Self::unavailable(error),
            other if other.code().starts_with("08") => Self::unavailable(error),
            // Class 22 means an invalid value, such as the year 0 or a number with too many digits.
            other if other.code().starts_with("22") => Self::Invalid(Arc::new(error)),
            _ => Self::other(error),
        }
    }
}

/// Returns the name of the violated constraint.
fn constraint(error: &tokio_postgres::Error) -> String {
    let error = error.as_db_error();
    error.and_then(DbError::constraint).unwrap_or_default().to_owned()
}

impl From<PoolError> for Error {
    fn from(error: PoolError) -> Self {
        match error {
            // Every failed connection counts as an outage, even a wrong password. The log has the cause.
            PoolError::Backend(_) | PoolError::Timeout(_) | PoolError::Closed => {
                Self::unavailable(error)
            }
            other => Self::other(other),
        }
    }
}
