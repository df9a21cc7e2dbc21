//! The section of the OpenAPI document.

/// The section of the OpenAPI document.
#[derive(poem_openapi::Tags)]
pub enum Tags {
    /// Who may use the API: accounts, their sessions and their API tokens.
    Accounts,
}
