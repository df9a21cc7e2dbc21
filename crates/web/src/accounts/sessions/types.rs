//! What sessions look like in requests and answers.

use chrono::{DateTime, Utc};
use poem_openapi::{Object, types::Example};
use serde::{Deserialize, Serialize};
use store::accounts::Role;
use uuid::Uuid;

use crate::{
    examples,
    text::{EmailAddress, Password},
};

/// Somebody who has an account.
#[derive(Debug, Deserialize, Object)]
#[oai(example)]
pub(super) struct LogIn {
    /// The account's address, whatever its case.
    pub(super) email: EmailAddress,
    /// The account's password.
    pub(super) password: Password,
}

/// The member for development: there, the documentation page can log in with it.
impl Example for LogIn {
    fn example() -> Self {
        Self {
            email: EmailAddress(Role::Member.development_email().to_owned()),
            password: "for development only".into(),
        }
    }
}

/// A session that has begun.
#[derive(Serialize, Object)]
#[oai(example)]
pub(super) struct NewSession {
    /// A UUID of version 7.
    pub(super) id: Uuid,
    /// What proves further requests; it is shown this once.
    pub(super) token: String,
    /// When the session ends by itself, in UTC.
    pub(super) expires_at: DateTime<Utc>,
}

impl Example for NewSession {
    fn example() -> Self {
        Self {
            id: examples::OTHER,
            token: examples::TOKEN.to_owned(),
            expires_at: examples::time(),
        }
    }
}

/// A session.
#[derive(Debug, Serialize, Object)]
#[oai(example)]
pub(super) struct Session {
    /// A UUID of version 7.
    pub(super) id: Uuid,
    /// Whether it is the one of this request.
    pub(super) current: bool,
    /// When it began, in UTC.
    pub(super) created_at: DateTime<Utc>,
    /// When it ends by itself, in UTC.
    pub(super) expires_at: DateTime<Utc>,
}

impl Example for Session {
    fn example() -> Self {
        Self {
            id: examples::OTHER,
            current: true,
            created_at: examples::time(),
            expires_at: examples::time(),
        }
    }
}

/// Sessions, by their beginning.
#[derive(Debug, Serialize, Object)]
#[oai(example)]
pub(super) struct SessionList {
    /// All of them; there are few.
    pub(super) items: Vec<Session>,
}

impl Example for SessionList {
    fn example() -> Self {
        Self { items: vec![Session::example()] }
    }
}
