//! Converts database errors that a client caused to API errors.

use store::Error as DbError;

use super::{ApiError, FieldError};

/// Converts database errors to errors that a client can understand.
pub trait DatabaseResult<T> {
    /// Converts the error for a missing row to a 404 with the name of the resource.
    ///
    /// # Errors
    /// Returns the error of this result. A missing row becomes [`ApiError::NotFound`].
    fn or_not_found(self, name: &'static str) -> Result<T, ApiError>;

    /// Converts a violation of this constraint to a 409 with a JSON pointer to the field.
    ///
    /// # Errors
    /// Returns the error of this result. A violation of the constraint becomes [`ApiError::Conflict`].
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
