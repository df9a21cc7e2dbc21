//! Sessions in requests and responses.

use chrono::{DateTime, Utc};
use poem_openapi::{Object, types::Example};
use serde::{Deserialize, Serialize};
use store::accounts::Role;
use uuid::Uuid;

use crate::{
    examples,
    text::{EmailAddress, Password},
};

/// The email address and the password of an account.
#[derive(Debug, Deserialize, Object)]
#[oai(example)]
pub(super) struct LogIn {
    /// The email address of the account. Upper and lower case are equal.
    pub(super) email: EmailAddress,
    /// The password of the account.
    pub(super) password: Password,
}

/// Returns the development account, so that the documentation page can log in during development.
impl Example for LogIn {
    fn example() -> Self {
        Self {
            email: EmailAddress(Role::Member.development_email().to_owned()),
            password: "for development only".into(),
        }
    }
}

/// A new session with its token.
#[derive(Serialize, Object)]
#[oai(example)]
pub(super) struct NewSession {
    /// The ID of the session, a UUID of version 7.
    pub(super) id: Uuid,
    /// The bearer token for further requests. No other response contains it.
    pub(super) token: String,
    /// The time when the session expires, in UTC.
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
    /// The ID of the session, a UUID of version 7.
    pub(super) id: Uuid,
    /// True for the session of this request.
    pub(super) current: bool,
    /// The time of the log-in, in UTC.
    pub(super) created_at: DateTime<Utc>,
    /// The time when the session expires, in UTC.
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

/// A list of sessions.
#[derive(Debug, Serialize, Object)]
#[oai(example)]
pub(super) struct SessionList {
    /// All sessions of the account, oldest first.
    pub(super) items: Vec<Session>,
}

impl Example for SessionList {
    fn example() -> Self {
        Self { items: vec![Session::example()] }
    }
}
