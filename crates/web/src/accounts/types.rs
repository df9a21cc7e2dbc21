//! Accounts in requests and responses.

use chrono::{DateTime, Utc};
use poem_openapi::{Enum, Object, types::Example};
use serde::{Deserialize, Serialize};
use store::accounts as rows;
use uuid::Uuid;

use crate::{
    examples,
    text::{EmailAddress, Line, Password},
};

/// An account of a user of the API.
#[derive(Debug, Serialize, Object)]
#[oai(example)]
pub(crate) struct Account {
    /// The ID of the account, a UUID of version 7.
    id: Uuid,
    /// The email address for the log-in.
    email: String,
    /// The name of the user.
    name: String,
    /// The role, which determines the permissions.
    role: Role,
    /// True if the account cannot log in and its tokens are rejected.
    disabled: bool,
    /// The time of creation, in UTC.
    created_at: DateTime<Utc>,
}

impl Example for Account {
    fn example() -> Self {
        Self {
            id: examples::ACCOUNT,
            email: "member@example.com".to_owned(),
            name: "Development Member".to_owned(),
            role: Role::Member,
            disabled: false,
            created_at: examples::time(),
        }
    }
}

/// The role of an account, which determines its permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Enum)]
#[serde(rename_all = "snake_case")]
#[oai(rename_all = "snake_case")]
pub(crate) enum Role {
    /// All permissions.
    Admin,
    /// May read and write, but not delete persons or manage accounts.
    Member,
}

/// A page of accounts.
#[derive(Debug, Serialize, Object)]
#[oai(skip_serializing_if_is_none, example)]
pub(super) struct AccountPage {
    /// The accounts of this page, oldest first.
    pub(super) items: Vec<Account>,
    /// The `cursor` of the next page. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<Uuid>,
}

impl Example for AccountPage {
    fn example() -> Self {
        Self { items: vec![Account::example()], next: Some(examples::ACCOUNT) }
    }
}

/// A new account.
#[derive(Debug, Deserialize, Object)]
#[oai(example)]
pub(super) struct SignUp {
    /// The email address for the log-in. Must be unique; upper and lower case are equal.
    pub(super) email: EmailAddress,
    /// The name of the user.
    pub(super) name: Line<200>,
    /// The password. Several random words are safer than one short, complicated word.
    pub(super) password: Password,
}

impl Example for SignUp {
    fn example() -> Self {
        Self {
            email: EmailAddress("grace@example.com".to_owned()),
            name: Line("Grace Hopper".to_owned()),
            password: Password::example(),
        }
    }
}

/// The fields of an account that its user may change.
#[derive(Debug, Deserialize, Object)]
#[oai(example)]
pub(super) struct UpdateOwnAccount {
    /// The name of the user.
    pub(super) name: Line<200>,
}

impl Example for UpdateOwnAccount {
    fn example() -> Self {
        Self { name: Line("Grace Murray Hopper".to_owned()) }
    }
}

/// The fields of an account that an admin may change. Absent fields keep their values.
#[derive(Debug, Deserialize, Object)]
#[oai(example)]
pub(super) struct UpdateAccount {
    /// The role, which determines the permissions.
    #[oai(skip_serializing_if_is_none)]
    pub(super) role: Option<Role>,
    /// True disables the account: it cannot log in, and its tokens are rejected.
    #[oai(skip_serializing_if_is_none)]
    pub(super) disabled: Option<bool>,
}

impl Example for UpdateAccount {
    fn example() -> Self {
        Self { role: Some(Role::Admin), disabled: None }
    }
}

/// A change of the password.
#[derive(Debug, Deserialize, Object)]
#[oai(example)]
pub(super) struct ChangePassword {
    /// The current password, as a proof of identity.
    pub(super) current_password: Password,
    /// The new password.
    pub(super) new_password: Password,
}

impl Example for ChangePassword {
    fn example() -> Self {
        Self {
            current_password: Password::example(),
            new_password: Password::from("a nanosecond is a foot of wire"),
        }
    }
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
