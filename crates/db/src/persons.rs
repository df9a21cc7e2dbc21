//! Persons and their e-mail addresses.

// A person's columns, in a row for each of its addresses; a macro, since constants cannot be put
// together from constants. LATERAL has PostgreSQL look the addresses up by their index, person by
// person, whatever it believes of the number of persons.
macro_rules! persons {
    ($name:literal, $which:literal, $order:literal) => {
        concat!(
            "-- db::persons::",
            $name,
            "\nSELECT persons.id, name, nickname, version, created_at, updated_at, email_id, address
FROM (SELECT * FROM persons ",
            $which,
            ") AS persons
LEFT JOIN LATERAL (
    SELECT id AS email_id, address FROM emails WHERE person_id = persons.id ORDER BY id
) AS emails ON true
ORDER BY ",
            $order
        )
    };
}

mod emails;
mod insert;
mod list;
mod pages;
mod shared;

use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{Connection, Error};

pub use emails::{add_email, remove_email};
pub use insert::{insert, insert_many};
pub use list::{Filter, Order, list};
pub use pages::{MakePage, Page, Pages};
pub use shared::Shared;

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

// Behind a SELECT, PostgreSQL does not see how many ids there are, and keeps one plan: it would plan anew for
// fewer than ten, which takes it three times as long as to find them.
const FIND_MANY: &str =
    persons!("find_many", "WHERE id = ANY ((SELECT $1::uuid[])::uuid[])", "persons.id");

const LOCK: &str = persons!("lock", "WHERE id = $1 FOR UPDATE", "persons.id");

const UPDATE: &str = "\
-- db::persons::update
UPDATE persons SET name = $2, nickname = $3, version = version + 1, updated_at = now()
WHERE id = $1";

const DELETE: &str = "\
-- db::persons::delete
DELETE FROM persons WHERE id = $1";

/// The person with this id.
///
/// # Errors
/// [`Error::NotFound`] if there is none.
pub async fn get(client: &dyn Connection, id: Uuid) -> Result<Person, Error> {
    find_many(client, &[id]).await?.pop().ok_or(Error::NotFound)
}

/// Those of the persons with these ids that there are, by creation.
pub async fn find_many(client: &dyn Connection, ids: &[Uuid]) -> Result<Vec<Person>, Error> {
    Ok(persons(&client.query(FIND_MANY, &[/* ids */ &ids]).await?))
}

/// The person with this id, which nobody else can change until the transaction ends.
///
/// # Errors
/// [`Error::NotFound`] if there is none.
pub async fn lock(transaction: &dyn Connection, id: Uuid) -> Result<Person, Error> {
    let rows = transaction.query(LOCK, &[/* id */ &id]).await?;
    persons(&rows).pop().ok_or(Error::NotFound)
}

/// Gives the person other details, and exactly these addresses; one that it had keeps its id.
///
/// # Errors
/// [`Error::Duplicate`] with [`EMAIL_KEY`] if an address is given twice.
pub async fn update(
    transaction: &dyn Connection,
    id: Uuid,
    new: &NewPerson,
) -> Result<Person, Error> {
    transaction.execute(UPDATE, &[&id, &new.name, &new.nickname]).await?;
    emails::replace(transaction, id, &new.addresses).await?;
    get(transaction, id).await
}

/// Deletes the person with its addresses.
///
/// # Errors
/// [`Error::NotFound`] if there is none.
pub async fn delete(client: &dyn Connection, id: Uuid) -> Result<(), Error> {
    match client.execute(DELETE, &[/* id */ &id]).await? {
        0 => Err(Error::NotFound),
        _ => Ok(()),
    }
}

/// The persons of rows in which those of one person follow each other.
fn persons(rows: &[Row]) -> Vec<Person> {
    let mut persons: Vec<Person> = Vec::new();
    for row in rows {
        let id = row.get(0);
        if persons.last().is_none_or(|last| last.id != id) {
            persons.push(Person {
                id,
                name: row.get(1),
                nickname: row.get(2),
                version: row.get(3),
                created_at: row.get(4),
                updated_at: row.get(5),
                emails: Vec::new(),
            });
        }
        if let (Some(person), Some(id)) = (persons.last_mut(), row.get(6)) {
            person.emails.push(Email { id, address: row.get(7) });
        }
    }
    // PostgreSQL promises the order of the persons only.
    for person in &mut persons {
        person.emails.sort_unstable_by_key(|email| email.id);
    }
    persons
}
