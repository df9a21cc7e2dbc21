//! The error of a caller whose account was deleted during the request.

use crate::error::ApiError;

/// Maps a missing account to the response for an invalid token, because the account was deleted after the token was
/// verified.
pub(super) fn or_unauthorized(error: store::Error) -> ApiError {
    match error {
        store::Error::NotFound => ApiError::Unauthorized,
        error => error.into(),
    }
}
