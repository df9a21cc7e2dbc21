//! Answers that several resources give.

use poem_openapi::ApiResponse;

#[derive(ApiResponse)]
pub(crate) enum DeletedResponse {
    /// It is gone
    #[oai(status = 204)]
    Deleted,
}
