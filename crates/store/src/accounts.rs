//! Accounts: who may use the API, and as what.

use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{connection::Connection, error::Error};

/// E-mail addresses of accounts are unique, compared without case.
pub const EMAIL_KEY: &str = "accounts_email_key";

/// An account.
#[derive(Debug, Clone)]
pub struct Account {
    /// A UUID of version 7.
    pub id: Uuid,
    /// What its owner logs in with: 3 to 254 characters.
    pub email: String,
    /// 1 to 200 characters.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Argon2id, as a PHC string.
    pub password_hash: String,
    /// Whether its owner is locked out.
    pub disabled: bool,
    /// Whether seeding made it, with a password that everybody knows.
    pub development: bool,
    /// When the row was made.
    pub created_at: DateTime<Utc>,
}

/// What an account is made of.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// 3 to 254 characters.
    pub email: String,
    /// 1 to 200 characters.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Argon2id, as a PHC string.
    pub password_hash: String,
}

/// What an account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Admin,
    /// Read and write, but neither delete resources nor manage accounts.
    Member,
}

impl Role {
    /// The address of the account for development with this role.
    pub fn development_email(self) -> &'static str {
        match self {
            Self::Admin => "admin@example.com",
            Self::Member => "member@example.com",
        }
    }

    /// The role as the database spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Member => "member",
        }
    }

    pub(crate) fn read(row: &Row) -> Self {
        // A constraint lets no third one in.
        if row.get::<_, &str>("role") == "admin" { Self::Admin } else { Self::Member }
    }
}

// The columns of an account; a macro, since constants cannot be put together from constants.
macro_rules! account {
    ($name:literal, $rest:literal) => {
        concat!(
            "-- store::accounts::",
            $name,
            "\nSELECT id, email, name, role, password_hash, disabled, development, created_at
FROM accounts\n",
            $rest
        )
    };
}

const FIND: &str = account!("find", "WHERE id = $1");

const FIND_BY_EMAIL: &str = account!("find_by_email", "WHERE lower(email) = lower($1)");

const LOCK: &str = account!("lock", "WHERE id = $1 FOR UPDATE");

const LIST: &str = account!("list", "WHERE id > $1 ORDER BY id LIMIT $2");

const INSERT: &str = "\
-- store::accounts::insert
INSERT INTO accounts (id, email, name, role, password_hash) VALUES ($1, $2, $3, $4, $5)
RETURNING created_at";

const UPDATE: &str = "\
-- store::accounts::update
UPDATE accounts SET name = $2, role = $3, password_hash = $4, disabled = $5, development = $6
WHERE id = $1";

const DELETE: &str = "\
-- store::accounts::delete
DELETE FROM accounts WHERE id = $1";

const COUNT_DEVELOPMENT: &str = "\
-- store::accounts::count_development
SELECT count(*) FROM accounts WHERE development";

/// The account with this id.
///
/// # Errors
/// [`Error::NotFound`] if there is none.
pub async fn get(client: &dyn Connection, id: Uuid) -> Result<Account, Error> {
    Ok(account(&client.query_one(FIND, &[&id]).await?))
}

/// The account with this e-mail address, whatever its case, if there is one.
pub async fn find_by_email(client: &dyn Connection, email: &str) -> Result<Option<Account>, Error> {
    let row = client.query_opt(FIND_BY_EMAIL, &[&email]).await?;
    Ok(row.as_ref().map(account))
}

/// The account with this id, which nobody else can change until the transaction ends.
///
/// # Errors
/// [`Error::NotFound`] if there is none.
pub async fn lock(transaction: &dyn Connection, id: Uuid) -> Result<Account, Error> {
    Ok(account(&transaction.query_one(LOCK, &[&id]).await?))
}

/// Up to `limit` accounts by creation, from the one after `after` on.
pub async fn list(
    client: &dyn Connection,
    after: Option<Uuid>,
    limit: u32,
) -> Result<Vec<Account>, Error> {
    let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 2] =
        [&after.unwrap_or_default(), &i64::from(limit)];
    let rows = client.query(LIST, &parameters).await?;
    Ok(rows.iter().map(account).collect())
}

/// Stores an account.
///
/// # Errors
/// [`Error::Duplicate`] with [`EMAIL_KEY`] if the address has one.
pub async fn insert(client: &dyn Connection, new: NewAccount) -> Result<Account, Error> {
    let NewAccount { email, name, role, password_hash } = new;
    let id = Uuid::now_v7();
    let row =
        client.query_one(INSERT, &[&id, &email, &name, &role.as_str(), &password_hash]).await?;
    let created_at = row.get("created_at");
    let (disabled, development) = (false, false);
    Ok(Account { id, email, name, role, password_hash, disabled, development, created_at })
}

/// Stores what may change of an account that the transaction has locked.
pub async fn update(transaction: &dyn Connection, account: &Account) -> Result<(), Error> {
    let Account { id, name, role, password_hash, disabled, development, .. } = account;
    transaction
        .execute(UPDATE, &[id, name, &role.as_str(), password_hash, disabled, development])
        .await?;
    Ok(())
}

/// Deletes the account with its tokens.
///
/// # Errors
/// [`Error::NotFound`] if there is none.
pub async fn delete(client: &dyn Connection, id: Uuid) -> Result<(), Error> {
    match client.execute(DELETE, &[&id]).await? {
        0 => Err(Error::NotFound),
        _ => Ok(()),
    }
}

/// How many accounts have a password that everybody knows.
pub async fn count_development(client: &tokio_postgres::Client) -> Result<i64, Error> {
    Ok(client.query_one(COUNT_DEVELOPMENT, &[]).await?.get(0))
}

fn account(row: &Row) -> Account {
    Account {
        id: row.get("id"),
        email: row.get("email"),
        name: row.get("name"),
        role: Role::read(row),
        password_hash: row.get("password_hash"),
        disabled: row.get("disabled"),
        development: row.get("development"),
        created_at: row.get("created_at"),
    }
}
