//! Accounts: the users of the API and their roles.

use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{connection::Connection, error::Error};

/// The unique constraint on the email address, which ignores case.
pub const EMAIL_KEY: &str = "accounts_email_key";

/// An account.
#[derive(Debug, Clone)]
pub struct Account {
    /// A UUID of version 7.
    pub id: Uuid,
    /// The email address for log-in: 3 to 254 characters.
    pub email: String,
    /// The name of the owner: 1 to 200 characters.
    pub name: String,
    /// The role, which determines the permissions.
    pub role: Role,
    /// The Argon2id hash of the password, as a PHC string.
    pub password_hash: String,
    /// True if the owner cannot log in.
    pub disabled: bool,
    /// True for a development account, whose password is public.
    pub development: bool,
    /// The creation time.
    pub created_at: DateTime<Utc>,
}

/// A new account.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// The email address for log-in: 3 to 254 characters.
    pub email: String,
    /// The name of the owner: 1 to 200 characters.
    pub name: String,
    /// The role, which determines the permissions.
    pub role: Role,
    /// The Argon2id hash of the password, as a PHC string.
    pub password_hash: String,
}

/// The role of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// All permissions.
    Admin,
    /// Reads and writes, but does not delete resources or manage accounts.
    Member,
}

impl Role {
    /// Returns the email address of the development account with this role.
    pub fn development_email(self) -> &'static str {
        match self {
            Self::Admin => "admin@example.com",
            Self::Member => "member@example.com",
        }
    }

    /// Returns the name of the role in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Member => "member",
        }
    }

    pub(crate) fn read(row: &Row) -> Self {
        // A check constraint of the table allows only `admin` and `member`.
        if row.get::<_, &str>("role") == "admin" { Self::Admin } else { Self::Member }
    }
}

// Builds a query that returns the columns of an account. This is a macro because `concat!` rejects constants.
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

// Locks rows in the order of their ids, so that two transactions cannot wait for each other (deadlock).
const LOCK_BOTH: &str = account!("lock_both", "WHERE id IN ($1, $2) ORDER BY id FOR UPDATE");

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

/// Returns the account with this id.
///
/// # Errors
/// Returns [`Error::NotFound`] if the account does not exist.
pub async fn get(client: &dyn Connection, id: Uuid) -> Result<Account, Error> {
    Ok(account(&client.query_one(FIND, &[&id]).await?))
}

/// Returns the account with this email address, ignoring case, if there is one.
pub async fn find_by_email(client: &dyn Connection, email: &str) -> Result<Option<Account>, Error> {
    let row = client.query_opt(FIND_BY_EMAIL, &[&email]).await?;
    Ok(row.as_ref().map(account))
}

/// Returns the account with this id, locked until the end of the transaction.
///
/// # Errors
/// Returns [`Error::NotFound`] if the account does not exist.
pub async fn lock(transaction: &dyn Connection, id: Uuid) -> Result<Account, Error> {
    Ok(account(&transaction.query_one(LOCK, &[&id]).await?))
}

/// Returns two accounts, locked until the end of the transaction.
///
/// # Errors
/// Returns [`Error::NotFound`] if `second` does not exist. `first` is then unknown.
pub async fn lock_both(
    transaction: &dyn Connection,
    first: Uuid,
    second: Uuid,
) -> Result<(Option<Account>, Account), Error> {
    let rows = transaction.query(LOCK_BOTH, &[&first, &second]).await?;
    let find = |id: Uuid| rows.iter().find(|row| row.get::<_, Uuid>("id") == id).map(account);
    Ok((find(first), find(second).ok_or(Error::NotFound)?))
}

/// Returns up to `limit` accounts that follow `after`, oldest first.
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
/// Returns [`Error::Duplicate`] with [`EMAIL_KEY`] if the address already has an account.
pub async fn insert(client: &dyn Connection, new: NewAccount) -> Result<Account, Error> {
    let NewAccount { email, name, role, password_hash } = new;
    let id = Uuid::now_v7();
    let row =
        client.query_one(INSERT, &[&id, &email, &name, &role.as_str(), &password_hash]).await?;
    let created_at = row.get("created_at");
    let (disabled, development) = (false, false);
    Ok(Account { id, email, name, role, password_hash, disabled, development, created_at })
}

/// Stores the mutable fields of an account that the transaction has locked.
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
/// Returns [`Error::NotFound`] if the account does not exist.
pub async fn delete(client: &dyn Connection, id: Uuid) -> Result<(), Error> {
    match client.execute(DELETE, &[&id]).await? {
        0 => Err(Error::NotFound),
        _ => Ok(()),
    }
}

/// Returns the number of development accounts, whose password is public.
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
