//! The parts of a problem document that describe the error of one request.

use poem::error::{MethodNotAllowedError, ReadBodyError};
use poem_openapi::error::{AuthorizationError, ContentTypeError, ParseParamError};
use store::Error as DbError;

use super::{ApiError, FieldError};

/// Returns the errors of single values.
pub(super) fn field_errors(error: &poem::Error) -> Option<Vec<FieldError>> {
    if let Some(error) = error.downcast_ref::<ParseParamError>() {
        return Some(vec![FieldError::parameter(
            error.name,
            "is invalid, see the OpenAPI document",
        )]);
    }
    error.downcast_ref::<ApiError>()?.fields().cloned()
}

/// Returns the `detail` of a 4xx response.
pub(super) fn detail(error: &poem::Error) -> String {
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
