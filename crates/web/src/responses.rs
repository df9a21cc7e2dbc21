//! Responses that several resources share.

use poem_openapi::ApiResponse;

/// The response to a deletion.
#[derive(ApiResponse)]
pub enum DeletedResponse {
    /// Deleted
    #[oai(status = 204)]
    Deleted,
}
