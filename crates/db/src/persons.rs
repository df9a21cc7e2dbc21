//! Persons and their e-mail addresses.

mod emails;

use chrono::{DateTime, Utc};
use deadpool_postgres::GenericClient;
use futures_util::future::try_join_all;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{Error, audit::Actor};

pub use emails::{add_email, remove_email};

/// The addresses of one person are unique, compared without case.
pub const EMAIL_KEY: &str = "emails_person_id_address_key";

/// A person with all its addresses.
#[derive(Debug, Clone)]
pub struct Person {
    /// A UUID of version 7.
    pub id: Uuid,
    /// 1 to 200 characters.
    pub name: String,
    /// 1 to 50 characters.
    pub nickname: Option<String>,
    /// In the order in which they were added.
    pub emails: Vec<Email>,
    /// Goes up by one with every change of the person or its addresses.
    pub version: i32,
    /// When the row was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

/// An e-mail address of a person.
#[derive(Debug, Clone)]
pub struct Email {
    /// A UUID of version 7.
    pub id: Uuid,
    /// 3 to 254 characters, in the case in which it was given.
    pub address: String,
}

/// What a person is made of, or replaced by.
#[derive(Debug, Clone)]
pub struct NewPerson {
    /// 1 to 200 characters.
    pub name: String,
    /// 1 to 50 characters.
    pub nickname: Option<String>,
    /// 3 to 254 characters each.
    pub addresses: Vec<String>,
}

/// Which persons to list; what is absent does not narrow the list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// The name begins with this, compared without case.
    pub name_prefix: Option<String>,
    /// One of the addresses is this, compared without case.
    pub address: Option<String>,
}

/// The order of a list, each with the last person of the page before.
#[derive(Debug, Clone)]
pub enum Order {
    /// By creation.
    Creation(Option<Uuid>),
    /// By name without case, then by creation.
    Name(Option<(String, Uuid)>),
}

// The columns of a person; a macro, since constants cannot be put together from constants.
macro_rules! person {
    ($name:literal, $rest:literal) => {
        concat!(
            "-- db::persons::",
            $name,
            "\nSELECT id, name, nickname, version, created_at, updated_at,
    ARRAY(SELECT id FROM emails WHERE person_id = persons.id ORDER BY id) AS email_ids,
    ARRAY(SELECT address FROM emails WHERE person_id = persons.id ORDER BY id) AS addresses
FROM persons\n",
            $rest
        )
    };
}

const FIND: &str = person!("find", "WHERE id = $1");

const LOCK: &str = person!("lock", "WHERE id = $1 FOR UPDATE");

const LIST: &str = person!("list", "WHERE id > $1 ORDER BY id LIMIT $2");

const SEARCH: &str = person!(
    "search",
    "WHERE id > $1
    AND ($3::text IS NULL OR lower(name) LIKE $3)
    AND ($4::text IS NULL OR id IN (SELECT person_id FROM emails WHERE lower(address) = lower($4)))
ORDER BY id
LIMIT $2"
);

const SEARCH_BY_NAME: &str = person!(
    "search_by_name",
    "WHERE (lower(name), id) > (lower($5), $1)
    AND ($3::text IS NULL OR lower(name) LIKE $3)
    AND ($4::text IS NULL OR id IN (SELECT person_id FROM emails WHERE lower(address) = lower($4)))
ORDER BY lower(name) USING ~<~, id
LIMIT $2"
);

const INSERT: &str = "\
-- db::persons::insert
WITH person AS (
    INSERT INTO persons (id, name, nickname) VALUES ($1, $2, $3)
    RETURNING version, created_at, updated_at
), email AS (
    INSERT INTO emails (id, person_id, address)
    SELECT id, $1, address FROM unnest($4::uuid[], $5::text[]) AS given (id, address)
), audit AS (
    INSERT INTO audit_entries (id, account_id, token_id, action, resource, resource_id)
    VALUES ($6, $7, $8, $9, 'person', $1)
)
SELECT version, created_at, updated_at FROM person";

const UPDATE: &str = "\
-- db::persons::update
UPDATE persons SET name = $2, nickname = $3, version = version + 1, updated_at = now()
WHERE id = $1";

const DELETE: &str = "\
-- db::persons::delete
DELETE FROM persons WHERE id = $1";

/// The person with this id, if there is one.
pub async fn find(client: &impl GenericClient, id: Uuid) -> Result<Option<Person>, Error> {
    let statement = client.prepare_cached(FIND).await?;
    let row = client.query_opt(&statement, &[/* id */ &id]).await?;
    Ok(row.as_ref().map(person))
}

/// The person with this id.
///
/// # Errors
/// [`Error::NotFound`] if there is none.
pub async fn get(client: &impl GenericClient, id: Uuid) -> Result<Person, Error> {
    find(client, id).await?.ok_or(Error::NotFound)
}

/// The person with this id, which nobody else can change until the transaction ends.
///
/// # Errors
/// [`Error::NotFound`] if there is none.
pub async fn lock(transaction: &impl GenericClient, id: Uuid) -> Result<Person, Error> {
    let statement = transaction.prepare_cached(LOCK).await?;
    let row = transaction.query_opt(&statement, &[/* id */ &id]).await?;
    row.as_ref().map(person).ok_or(Error::NotFound)
}

/// Up to `limit` persons that pass `filter`, from the one after `order`'s on.
pub async fn list(
    client: &impl GenericClient,
    filter: &Filter,
    order: &Order,
    limit: u32,
) -> Result<Vec<Person>, Error> {
    let limit = i64::from(limit);
    let prefix = filter.name_prefix.as_deref().map(starting_with);
    let rows = match order {
        // Nothing to narrow: a plan of its own, and the quickest.
        Order::Creation(after) if prefix.is_none() && filter.address.is_none() => {
            let statement = client.prepare_cached(LIST).await?;
            client.query(&statement, &[&after.unwrap_or_default(), &limit]).await?
        }
        Order::Creation(after) => {
            let statement = client.prepare_cached(SEARCH).await?;
            let after = after.unwrap_or_default();
            client.query(&statement, &[&after, &limit, &prefix, &filter.address]).await?
        }
        Order::Name(after) => {
            let statement = client.prepare_cached(SEARCH_BY_NAME).await?;
            let (name, id) = after.clone().unwrap_or_default();
            client.query(&statement, &[&id, &limit, &prefix, &filter.address, &name]).await?
        }
    };
    Ok(rows.iter().map(person).collect())
}

/// Stores a person together with its addresses and the entry in the audit, in one statement and so in
/// one transaction.
///
/// # Errors
/// [`Error::Duplicate`] with [`EMAIL_KEY`] if an address is given twice.
pub async fn insert(
    client: &impl GenericClient,
    by: &Actor,
    new: NewPerson,
) -> Result<Person, Error> {
    let NewPerson { name, nickname, addresses } = new;
    let id = Uuid::now_v7();
    let email_ids: Vec<Uuid> = addresses.iter().map(|_| Uuid::now_v7()).collect();
    let statement = client.prepare_cached(INSERT).await?;
    let row = client
        .query_one(
            &statement,
            &[
                /* id */ &id,
                /* name */ &name,
                /* nickname */ &nickname,
                /* email ids */ &email_ids,
                /* addresses */ &addresses,
                /* audit entry */ &Uuid::now_v7(),
                &by.account_id,
                &by.token_id,
                &by.action,
            ],
        )
        .await?;
    Ok(Person {
        id,
        name,
        nickname,
        emails: emails::zip(email_ids, addresses),
        version: row.get("version"),
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
    })
}

/// Stores many persons together with their addresses, in the transaction's hands: all or none. The
/// statements travel together, without waiting for each other's answers.
///
/// # Errors
/// [`Error::Duplicate`] with [`EMAIL_KEY`] if a person has an address twice.
pub async fn insert_many(
    transaction: &impl GenericClient,
    by: &Actor,
    new: Vec<NewPerson>,
) -> Result<Vec<Person>, Error> {
    try_join_all(new.into_iter().map(|person| insert(transaction, by, person))).await
}

/// Gives the person other details, and exactly these addresses; one that it had keeps its id.
///
/// # Errors
/// [`Error::Duplicate`] with [`EMAIL_KEY`] if an address is given twice.
pub async fn update(
    transaction: &impl GenericClient,
    id: Uuid,
    new: &NewPerson,
) -> Result<Person, Error> {
    let statement = transaction.prepare_cached(UPDATE).await?;
    transaction.execute(&statement, &[&id, &new.name, &new.nickname]).await?;
    emails::replace(transaction, id, &new.addresses).await?;
    get(transaction, id).await
}

/// Deletes the person with its addresses.
///
/// # Errors
/// [`Error::NotFound`] if there is none.
pub async fn delete(client: &impl GenericClient, id: Uuid) -> Result<(), Error> {
    let statement = client.prepare_cached(DELETE).await?;
    match client.execute(&statement, &[/* id */ &id]).await? {
        0 => Err(Error::NotFound),
        _ => Ok(()),
    }
}

fn person(row: &Row) -> Person {
    Person {
        id: row.get("id"),
        name: row.get("name"),
        nickname: row.get("nickname"),
        emails: emails::zip(row.get("email_ids"), row.get("addresses")),
        version: row.get("version"),
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
    }
}

/// The LIKE pattern of names that begin with `prefix`, without case.
fn starting_with(prefix: &str) -> String {
    let mut pattern = String::with_capacity(prefix.len() + 1);
    for letter in prefix.to_lowercase().chars() {
        if ['%', '_', '\\'].contains(&letter) {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern + "%"
}
