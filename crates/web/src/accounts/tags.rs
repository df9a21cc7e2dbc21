//! The tag of the account operations in the OpenAPI document.

/// The tag of the account operations in the OpenAPI document.
#[derive(poem_openapi::Tags)]
pub enum Tags {
    /// Accounts, their sessions and their API tokens.
    Accounts,
}
