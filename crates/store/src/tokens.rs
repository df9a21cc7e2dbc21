//! Tokens: sessions, which log-in makes and which have no name, and API tokens, which have one.

use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{accounts::Role, connection::Connection, error::Error};

/// A token, without what proves it.
#[derive(Debug, Clone)]
pub struct Token {
    /// A UUID of version 7.
    pub id: Uuid,
    /// 1 to 100 characters; a session has none.
    pub name: Option<String>,
    /// What it may be used for.
    pub scope: Scope,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// From when on it is worthless.
    pub expires_at: Option<DateTime<Utc>>,
}

/// What a token is made of.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// For whom it speaks.
    pub account_id: Uuid,
    /// SHA-256 of it.
    pub hash: [u8; 32],
    /// 1 to 100 characters; a session has none.
    pub name: Option<String>,
    /// What it may be used for.
    pub scope: Scope,
    /// From when on it is worthless; a session has such a time.
    pub expires_at: Option<DateTime<Utc>>,
}

impl NewToken {
    /// A session of an account, until `end`.
    pub fn session(account_id: Uuid, hash: [u8; 32], end: DateTime<Utc>) -> Self {
        Self { account_id, hash, name: None, scope: Scope::Write, expires_at: Some(end) }
    }
}

/// What a token may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// To read.
    Read,
    /// To read and to write.
    Write,
}

/// For whom a token speaks.
#[derive(Debug, Clone, Copy)]
pub struct Holder {
    /// The token.
    pub token_id: Uuid,
    /// Whose it is.
    pub account_id: Uuid,
    /// What that account may do.
    pub role: Role,
    /// What the token may be used for.
    pub scope: Scope,
    /// Whether it is a session, and no API token.
    pub is_session: bool,
    /// Whether everybody knows the account's password.
    pub development: bool,
    /// From when on the token is worthless.
    pub expires_at: Option<DateTime<Utc>>,
}

impl Scope {
    fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }

    fn read(row: &Row) -> Self {
        // A constraint lets no third one in.
        if row.get::<_, &str>("scope") == "write" { Self::Write } else { Self::Read }
    }
}

const FIND_HOLDER: &str = "\
-- store::tokens::find_holder
SELECT tokens.id, account_id, role, scope, tokens.name IS NULL AS is_session, development, expires_at
FROM tokens JOIN accounts ON accounts.id = account_id
WHERE hash = $1 AND NOT disabled AND (expires_at IS NULL OR expires_at > now())";

const LIST: &str = "\
-- store::tokens::list
SELECT id, name, scope, created_at, expires_at FROM tokens
WHERE account_id = $1 AND (name IS NULL) = $2 AND (expires_at IS NULL OR expires_at > now())
ORDER BY id";

const INSERT: &str = "\
-- store::tokens::insert
INSERT INTO tokens (id, account_id, hash, name, scope, expires_at) VALUES ($1, $2, $3, $4, $5, $6)
RETURNING created_at, expires_at";

const DELETE: &str = "\
-- store::tokens::delete
DELETE FROM tokens WHERE account_id = $1 AND (name IS NULL) = $2 AND id = $3";

const DELETE_OTHER_SESSIONS: &str = "\
-- store::tokens::delete_other_sessions
DELETE FROM tokens WHERE account_id = $1 AND name IS NULL AND id <> $2";

const DELETE_EXPIRED: &str = "\
-- store::tokens::delete_expired
DELETE FROM tokens WHERE account_id = $1 AND expires_at <= now()";

/// For whom the token with this hash speaks; none if it is unknown or expired or its account disabled.
pub async fn find_holder(
    client: &dyn Connection,
    hash: &[u8; 32],
) -> Result<Option<Holder>, Error> {
    let row = client.query_opt(FIND_HOLDER, &[&hash.as_slice()]).await?;
    Ok(row.map(|row| Holder {
        token_id: row.get("id"),
        account_id: row.get("account_id"),
        role: Role::read(&row),
        scope: Scope::read(&row),
        is_session: row.get("is_session"),
        development: row.get("development"),
        expires_at: row.get("expires_at"),
    }))
}

/// The sessions of an account, or its API tokens, by creation, but for expired ones.
pub async fn list(
    client: &dyn Connection,
    account: Uuid,
    sessions: bool,
) -> Result<Vec<Token>, Error> {
    let rows = client.query(LIST, &[&account, &sessions]).await?;
    let token = |row: &Row| Token {
        id: row.get("id"),
        name: row.get("name"),
        scope: Scope::read(row),
        created_at: row.get("created_at"),
        expires_at: row.get("expires_at"),
    };
    Ok(rows.iter().map(token).collect())
}

/// Stores a token.
pub async fn insert(client: &dyn Connection, new: NewToken) -> Result<Token, Error> {
    let NewToken { account_id, hash, name, scope, expires_at } = new;
    let id = Uuid::now_v7();
    let row = client
        .query_one(
            INSERT,
            &[&id, &account_id, &hash.as_slice(), &name, &scope.as_str(), &expires_at],
        )
        .await?;
    let (created_at, expires_at) = (row.get("created_at"), row.get("expires_at"));
    Ok(Token { id, name, scope, created_at, expires_at })
}

/// Ends a session of an account, or revokes an API token of its.
///
/// # Errors
/// [`Error::NotFound`] if the account has no such session or token.
pub async fn delete(
    client: &dyn Connection,
    account: Uuid,
    session: bool,
    id: Uuid,
) -> Result<(), Error> {
    match client.execute(DELETE, &[&account, &session, &id]).await? {
        0 => Err(Error::NotFound),
        _ => Ok(()),
    }
}

/// Ends every session of an account but one.
pub async fn delete_other_sessions(
    client: &dyn Connection,
    account: Uuid,
    kept: Uuid,
) -> Result<(), Error> {
    client.execute(DELETE_OTHER_SESSIONS, &[&account, &kept]).await?;
    Ok(())
}

/// Removes what is left of an account's expired sessions and tokens.
pub async fn delete_expired(client: &dyn Connection, account: Uuid) -> Result<(), Error> {
    client.execute(DELETE_EXPIRED, &[&account]).await?;
    Ok(())
}
