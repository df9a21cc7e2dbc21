//! Errors of the database that a client caused, in the client's words.

use store::Error as DbError;

use super::{ApiError, FieldError};

/// Turns errors of the database into those that a client can understand.
pub trait DatabaseResult<T> {
    /// Reports a missing row as a 404 that names the resource.
    ///
    /// # Errors
    /// The error of this result, with a missing row replaced.
    fn or_not_found(self, name: &'static str) -> Result<T, ApiError>;

    /// Reports the violation of this constraint as a 409 with a JSON pointer to the field.
    ///
    /// # Errors
    /// The error of this result, with a violation of the constraint replaced.
    fn on_constraint(self, constraint: &str, pointer: &str, problem: &str) -> Result<T, ApiError>;
}

impl<T, E: Into<ApiError>> DatabaseResult<T> for Result<T, E> {
    fn or_not_found(self, name: &'static str) -> Result<T, ApiError> {
        self.map_err(|error| match error.into() {
            ApiError::Database(DbError::NotFound) => ApiError::NotFound(name),
            error => error,
        })
    }

    fn on_constraint(self, constraint: &str, pointer: &str, problem: &str) -> Result<T, ApiError> {
        self.map_err(|error| match error.into() {
            ApiError::Database(
                DbError::Duplicate { constraint: name } | DbError::Reference { constraint: name },
            ) if name == constraint => {
                ApiError::Conflict(vec![FieldError::new(pointer.to_owned(), problem)])
            }
            error => error,
        })
    }
}
