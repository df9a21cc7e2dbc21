//! Retries transactions that conflict with another transaction.

use crate::error::Error;

/// The maximum number of attempts.
const ATTEMPTS: usize = 5;

/// An error type that can report a conflict between transactions.
pub trait Retry {
    /// Returns true for [`Error::Conflict`].
    fn is_conflict(&self) -> bool;
}

impl Retry for Error {
    fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict(_))
    }
}

/// Returns the result of `work`. Repeats `work` if PostgreSQL rolled its transaction back because of a conflict.
///
/// # Errors
/// Returns the errors of `work`.
pub async fn retry<T, E: Retry, F: Future<Output = Result<T, E>>>(
    work: impl Fn() -> F,
) -> Result<T, E> {
    for _ in 1..ATTEMPTS {
        match work().await {
            Err(error) if error.is_conflict() => {}
            done => return done,
        }
    }
    work().await
}
