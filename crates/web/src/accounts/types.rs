//! What accounts look like in requests and answers.

use chrono::{DateTime, Utc};
use poem_openapi::{Enum, Object, types::Example};
use serde::{Deserialize, Serialize};
use store::accounts as rows;
use uuid::Uuid;

use crate::{
    examples,
    text::{EmailAddress, Line, Password},
};

/// An account: who may use the API, and as what.
#[derive(Debug, Serialize, Object)]
#[oai(example)]
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
#[oai(skip_serializing_if_is_none, example)]
pub(super) struct AccountPage {
    /// The accounts of this page, by creation.
    pub(super) items: Vec<Account>,
    /// What to pass as `cursor` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<Uuid>,
}

impl Example for AccountPage {
    fn example() -> Self {
        Self { items: vec![Account::example()], next: Some(examples::ACCOUNT) }
    }
}

/// Somebody who wants an account.
#[derive(Debug, Deserialize, Object)]
#[oai(example)]
pub(super) struct SignUp {
    /// What to log in with; nobody else may have it, whatever its case.
    pub(super) email: EmailAddress,
    /// What to call its owner.
    pub(super) name: Line<200>,
    /// A long one: three random words are better than one odd one.
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

/// What its owner may change of an account.
#[derive(Debug, Deserialize, Object)]
#[oai(example)]
pub(super) struct UpdateOwnAccount {
    /// What to call its owner.
    pub(super) name: Line<200>,
}

impl Example for UpdateOwnAccount {
    fn example() -> Self {
        Self { name: Line("Grace Murray Hopper".to_owned()) }
    }
}

/// What an admin may change of an account.
#[derive(Debug, Deserialize, Object)]
#[oai(example)]
pub(super) struct UpdateAccount {
    /// What it may do.
    #[oai(skip_serializing_if_is_none)]
    pub(super) role: Option<Role>,
    /// Whether its owner is locked out.
    #[oai(skip_serializing_if_is_none)]
    pub(super) disabled: Option<bool>,
}

impl Example for UpdateAccount {
    fn example() -> Self {
        Self { role: Some(Role::Admin), disabled: None }
    }
}

/// A new password, and the proof that it comes from the account's owner.
#[derive(Debug, Deserialize, Object)]
#[oai(example)]
pub(super) struct ChangePassword {
    /// The password so far.
    pub(super) current_password: Password,
    /// The password from now on.
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
