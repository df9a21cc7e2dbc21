//! Responses that several resources share.

use poem_openapi::ApiResponse;

/// The response to a DELETE.
#[derive(ApiResponse)]
pub enum DeletedResponse {
    /// It is gone
    #[oai(status = 204)]
    Deleted,
}
