//! Persons and their e-mail addresses.

use chrono::{DateTime, Utc};
use deadpool_postgres::GenericClient;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::Error;

/// The addresses of one person are unique, compared without case.
pub const EMAIL_KEY: &str = "emails_person_id_address_key";

/// A person with all its addresses.
#[derive(Debug, Clone)]
pub struct Person {
    /// A UUID of version 7.
    pub id: Uuid,
    /// 1 to 200 characters.
    pub name: String,
    /// In the order in which they were added.
    pub emails: Vec<Email>,
    /// When the row was made.
    pub created_at: DateTime<Utc>,
}

/// An e-mail address of a person.
#[derive(Debug, Clone)]
pub struct Email {
    /// A UUID of version 7.
    pub id: Uuid,
    /// 3 to 254 characters, in the case in which it was given.
    pub address: String,
}

const FIND: &str = "\
-- db::persons::find
SELECT id, name, created_at,
    ARRAY(SELECT id FROM emails WHERE person_id = persons.id ORDER BY id) AS email_ids,
    ARRAY(SELECT address FROM emails WHERE person_id = persons.id ORDER BY id) AS addresses
FROM persons
WHERE id = $1";

const LIST: &str = "\
-- db::persons::list
SELECT id, name, created_at,
    ARRAY(SELECT id FROM emails WHERE person_id = persons.id ORDER BY id) AS email_ids,
    ARRAY(SELECT address FROM emails WHERE person_id = persons.id ORDER BY id) AS addresses
FROM persons
WHERE id > $1
ORDER BY id
LIMIT $2";

const INSERT: &str = "\
-- db::persons::insert
WITH person AS (
    INSERT INTO persons (id, name) VALUES ($1, $2) RETURNING created_at
), email AS (
    INSERT INTO emails (id, person_id, address)
    SELECT id, $1, address FROM unnest($3::uuid[], $4::text[]) AS given (id, address)
)
SELECT created_at FROM person";

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

/// Up to `limit` persons in the order of their creation, from the one after `after` on.
pub async fn list(
    client: &impl GenericClient,
    after: Option<Uuid>,
    limit: u32,
) -> Result<Vec<Person>, Error> {
    let statement = client.prepare_cached(LIST).await?;
    let after = after.unwrap_or(Uuid::nil());
    let rows = client.query(&statement, &[/* id */ &after, /* limit */ &i64::from(limit)]).await?;
    Ok(rows.iter().map(person).collect())
}

/// Stores a person together with its addresses, in one statement and so in one transaction.
///
/// # Errors
/// [`Error::Duplicate`] with [`EMAIL_KEY`] if an address is given twice.
pub async fn insert(
    client: &impl GenericClient,
    name: String,
    addresses: Vec<String>,
) -> Result<Person, Error> {
    let id = Uuid::now_v7();
    let email_ids: Vec<Uuid> = addresses.iter().map(|_| Uuid::now_v7()).collect();
    let statement = client.prepare_cached(INSERT).await?;
    let row = client
        .query_one(
            &statement,
            &[
                /* id */ &id, /* name */ &name, /* email ids */ &email_ids,
                /* addresses */ &addresses,
            ],
        )
        .await?;
    Ok(Person { id, name, emails: emails(email_ids, addresses), created_at: row.get("created_at") })
}

fn person(row: &Row) -> Person {
    Person {
        id: row.get("id"),
        name: row.get("name"),
        emails: emails(row.get("email_ids"), row.get("addresses")),
        created_at: row.get("created_at"),
    }
}

fn emails(ids: Vec<Uuid>, addresses: Vec<String>) -> Vec<Email> {
    ids.into_iter().zip(addresses).map(|(id, address)| Email { id, address }).collect()
}
