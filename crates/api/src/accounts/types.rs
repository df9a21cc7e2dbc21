//! What accounts look like in requests and answers.

use chrono::{DateTime, Utc};
use db::accounts as rows;
use poem_openapi::{Enum, Object};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::text::{EmailAddress, Line, Password};

/// An account: who may use the API, and as what.
#[derive(Debug, Serialize, Object)]
pub(crate) struct Account {
    /// A UUID of version 7.
    id: Uuid,
    /// What its owner logs in with.
    email: String,
    /// What to call its owner.
    name: String,
    /// What it may do.
    role: Role,
    /// Whether its owner is locked out.
    disabled: bool,
    /// When it was made, in UTC.
    created_at: DateTime<Utc>,
}

/// What an account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Enum)]
#[serde(rename_all = "snake_case")]
#[oai(rename_all = "snake_case")]
pub(crate) enum Role {
    /// Everything.
    Admin,
    /// Read and write, but not delete persons nor manage accounts.
    Member,
}

/// A page of accounts.
#[derive(Debug, Serialize, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct AccountPage {
    /// The accounts of this page, by creation.
    pub(super) items: Vec<Account>,
    /// What to pass as `cursor` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<Uuid>,
}

/// Somebody who wants an account.
#[derive(Debug, Deserialize, Object)]
pub(super) struct SignUp {
    /// What to log in with; nobody else may have it, whatever its case.
    pub(super) email: EmailAddress,
    /// What to call its owner.
    pub(super) name: Line<200>,
    /// A long one: three random words are better than one odd one.
    pub(super) password: Password,
}

/// What its owner may change of an account.
#[derive(Debug, Deserialize, Object)]
pub(super) struct UpdateOwnAccount {
    /// What to call its owner.
    pub(super) name: Line<200>,
}

/// What an admin may change of an account.
#[derive(Debug, Deserialize, Object)]
pub(super) struct UpdateAccount {
    /// What it may do.
    #[oai(skip_serializing_if_is_none)]
    pub(super) role: Option<Role>,
    /// Whether its owner is locked out.
    #[oai(skip_serializing_if_is_none)]
    pub(super) disabled: Option<bool>,
}

/// A new password, and the proof that it comes from the account's owner.
#[derive(Debug, Deserialize, Object)]
pub(super) struct ChangePassword {
    /// The password so far.
    pub(super) current_password: Password,
    /// The password from now on.
    pub(super) new_password: Password,
}

impl From<rows::Account> for Account {
    fn from(account: rows::Account) -> Self {
        let rows::Account { id, email, name, role, disabled, created_at, .. } = account;
        let role = match role {
            rows::Role::Admin => Role::Admin,
            rows::Role::Member => Role::Member,
        };
        Self { id, email, name, role, disabled, created_at }
    }
}

impl From<Role> for rows::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Admin => Self::Admin,
            Role::Member => Self::Member,
        }
    }
}
