//! Tokens: sessions, which log-in creates, and API tokens, which have a name.

use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{accounts::Role, connection::Connection, error::Error};

/// The stored properties of a token. The token itself is not stored, but its hash is.
#[derive(Debug, Clone)]
pub struct Token {
    /// A UUID of version 7.
    pub id: Uuid,
    /// The name of an API token: 1 to 100 characters. A session does not have a name.
    pub name: Option<String>,
    /// The scope.
    pub scope: Scope,
    /// The creation time.
    pub created_at: DateTime<Utc>,
    /// The expiry time.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A new token.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// The account of the token.
    pub account_id: Uuid,
    /// The SHA-256 hash of the token.
    pub hash: [u8; 32],
    /// The name of an API token: 1 to 100 characters. A session does not have a name.
    pub name: Option<String>,
    /// The scope.
    pub scope: Scope,
    /// The expiry time. Every session has one.
    pub expires_at: Option<DateTime<Utc>>,
}

impl NewToken {
    /// Returns a new session of an account, which expires at `end`.
    pub fn session(account_id: Uuid, hash: [u8; 32], end: DateTime<Utc>) -> Self {
        Self { account_id, hash, name: None, scope: Scope::Write, expires_at: Some(end) }
    }
}

/// The scope of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Reads.
    Read,
    /// Reads and writes.
    Write,
}

/// The account and the permissions of a token.
#[derive(Debug, Clone, Copy)]
pub struct Holder {
    /// The id of the token.
    pub token_id: Uuid,
    /// The account of the token.
    pub account_id: Uuid,
    /// The role of the account.
    pub role: Role,
    /// The scope of the token.
    pub scope: Scope,
    /// True for a session, false for an API token.
    pub is_session: bool,
    /// True for a development account, whose password is public.
    pub development: bool,
    /// The expiry time of the token.
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
        // A check constraint of the table allows only `read` and `write`.
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

const TRIM: &str = "\
-- store::tokens::trim
DELETE FROM tokens WHERE account_id = $1 AND (expires_at <= now() OR id IN (
    SELECT id FROM tokens WHERE account_id = $1 AND name IS NULL AND expires_at > now()
    ORDER BY created_at DESC, id DESC OFFSET $2))";

/// Returns the holder of the token with this hash. Returns `None` if the token is unknown or expired, or if its account
/// is disabled.
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

/// Returns the valid sessions or API tokens of an account, oldest first.
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

/// Deletes a session or an API token of an account.
///
/// # Errors
/// Returns [`Error::NotFound`] if the account does not have this session or token.
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

/// Deletes all sessions of an account except the given session.
pub async fn delete_other_sessions(
    client: &dyn Connection,
    account: Uuid,
    kept: Uuid,
) -> Result<(), Error> {
    client.execute(DELETE_OTHER_SESSIONS, &[&account, &kept]).await?;
    Ok(())
}

/// Deletes the expired sessions and tokens of an account, and its oldest sessions except `kept`. Returns the number of
/// deleted sessions and tokens.
pub async fn trim(client: &dyn Connection, account: Uuid, kept: i64) -> Result<u64, Error> {
    client.execute(TRIM, &[&account, &kept]).await
}
