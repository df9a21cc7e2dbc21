//! What can go wrong with the database, in the cases that callers tell apart.

use std::sync::Arc;

use deadpool_postgres::PoolError;
use tokio_postgres::error::SqlState;

/// Shared, since one failed statement may be the failure of many calls.
type Cause = Arc<dyn std::error::Error + Send + Sync>;

/// What can go wrong with the database. SQLSTATE codes are read here and nowhere else.
#[derive(Debug, Clone, thiserror::Error)]
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
    /// A foreign key, named here, refused: what the row refers to does not exist, or others refer to
    /// the row.
    #[error("a row refers to one that is not there ({constraint})")]
    Reference {
        /// The constraint's name, as the migrations spell it.
        constraint: String,
    },
    /// The value is one that PostgreSQL cannot store: a check failed, or a text holds a NUL.
    #[error("the database refuses the value")]
    Invalid(#[source] Cause),
    /// The database is away, is starting, has no connection free, or has no schema yet; or somebody
    /// else holds a row for too long.
    #[error("the database cannot be used right now")]
    Unavailable(#[source] Cause),
    /// The server refuses the user or its password.
    #[error("the database refuses the user or its password")]
    Unauthorized(#[source] Cause),
    /// The statement took longer than it may.
    #[error("the database took too long")]
    Timeout(#[source] Cause),
    /// The transaction collided with another one, or with a migration: it did nothing, and the same
    /// again may succeed.
    #[error("the database asks to try again")]
    Conflict(#[source] Cause),
    /// What the settings say of the database cannot be.
    #[error("its value cannot be used")]
    Setting(#[source] Cause),
    /// Anything else: a mistake of ours.
    #[error("the database reports an error")]
    Other(#[source] Cause),
}

impl Error {
    /// The database does not answer, for this reason.
    pub fn unavailable(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Unavailable(Arc::new(cause))
    }

    pub(crate) fn setting(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Setting(Arc::new(cause))
    }

    pub(crate) fn other(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Other(Arc::new(cause))
    }

    /// Whether the database, and not the statement, is the reason.
    pub(crate) fn is_outage(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Unauthorized(_) | Self::Timeout(_))
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(state) = error.code() else {
            // No SQLSTATE: the connection broke or was never made, or a value had the wrong type.
            let cause = std::error::Error::source(&error);
            let connection = error.is_closed()
                || cause.is_some_and(<dyn std::error::Error>::is::<std::io::Error>);
            return if connection { Self::unavailable(error) } else { Self::other(error) };
        };
        match state {
            &SqlState::UNIQUE_VIOLATION | &SqlState::DUPLICATE_DATABASE => {
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
            // A prepared statement from before a migration.
            | &SqlState::FEATURE_NOT_SUPPORTED => Self::Conflict(Arc::new(error)),
            &SqlState::ADMIN_SHUTDOWN
            | &SqlState::CRASH_SHUTDOWN
            | &SqlState::CANNOT_CONNECT_NOW
            | &SqlState::TOO_MANY_CONNECTIONS
            | &SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT
            | &SqlState::LOCK_NOT_AVAILABLE
            // A server that has become another one's standby.
            | &SqlState::READ_ONLY_SQL_TRANSACTION
            // Between the two halves of a swap, or before the first migration.
            | &SqlState::UNDEFINED_DATABASE
            | &SqlState::UNDEFINED_TABLE
            | &SqlState::OBJECT_IN_USE => Self::unavailable(error),
            other if other.code().starts_with("08") => Self::unavailable(error),
            // A value that its type does not have, such as the year 0 or a number with too many digits.
            other if other.code().starts_with("22") => Self::Invalid(Arc::new(error)),
            _ => Self::other(error),
        }
    }
}

/// The name of the constraint that refused.
fn constraint(error: &tokio_postgres::Error) -> String {
    let error = error.as_db_error();
    error.and_then(tokio_postgres::error::DbError::constraint).unwrap_or_default().to_owned()
}

impl From<PoolError> for Error {
    fn from(error: PoolError) -> Self {
        match error {
            // A connection that could not be made is an outage whatever the reason, a wrong
            // password included; the cause is in the log.
            PoolError::Backend(_) | PoolError::Timeout(_) | PoolError::Closed => {
                Self::unavailable(error)
            }
            other => Self::other(other),
        }
    }
}
