//! Answers that several resources give.

use poem_openapi::ApiResponse;

/// The answer to a DELETE.
#[derive(ApiResponse)]
pub enum DeletedResponse {
    /// It is gone
    #[oai(status = 204)]
    Deleted,
}
