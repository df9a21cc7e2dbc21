//! Storing persons: any number in one statement.

use uuid::Uuid;

use super::{Email, NewPerson, Person};
use crate::{Connection, Error, audit::Actor};

const INSERT_MANY: &str = "\
-- db::persons::insert_many
WITH person AS (
    INSERT INTO persons (id, name, nickname)
    SELECT id, name, nickname FROM unnest($1::uuid[], $2::text[], $3::text[]) AS it (id, name, nickname)
    RETURNING version, created_at, updated_at
), email AS (
    INSERT INTO emails (id, person_id, address)
    SELECT id, person_id, address FROM unnest($4::uuid[], $5::uuid[], $6::text[]) AS it (id, person_id, address)
), audit AS (
    INSERT INTO audit_entries (id, account_id, token_id, action, resource, resource_id, request_id)
    SELECT id, account_id, token_id, action, 'person', person_id, request_id
    FROM unnest($7::uuid[], $8::uuid[], $9::uuid[], $10::text[], $1::uuid[], $11::text[])
        AS it (id, account_id, token_id, action, person_id, request_id)
)
SELECT version, created_at, updated_at FROM person LIMIT 1";

/// Stores persons together with their addresses and the entries in the audit, each by its own actor,
/// in one statement and so in one transaction: all or none. Returns them in the order given.
///
/// # Errors
/// [`Error::Duplicate`] with [`super::EMAIL_KEY`] if a person has an address twice.
pub async fn insert_many(
    client: &dyn Connection,
    new: Vec<(Actor, NewPerson)>,
) -> Result<Vec<Person>, Error> {
    let (mut persons, mut emails, mut audit) =
        (Persons::default(), Emails::default(), Audit::default());
    for (by, person) in &new {
        let id = Uuid::now_v7();
        persons.push(id, person);
        emails.push(id, person);
        audit.push(by);
    }
    let row = client
        .query_one(
            INSERT_MANY,
            &[
                &persons.ids,
                &persons.names,
                &persons.nicknames,
                &emails.ids,
                &emails.person_ids,
                &emails.addresses,
                &audit.ids,
                &audit.account_ids,
                &audit.token_ids,
                &audit.actions,
                &audit.request_ids,
            ],
        )
        .await?;
    let (ids, mut email_ids) = (persons.ids, emails.ids.into_iter());
    let person = |(id, (_, new)): (Uuid, (Actor, NewPerson))| {
        let addresses = new.addresses.into_iter().zip(email_ids.by_ref());
        Person {
            id,
            name: new.name,
            nickname: new.nickname,
            emails: addresses.map(|(address, id)| Email { id, address }).collect(),
            // The defaults of one statement are the same for all its rows.
            version: row.get("version"),
            created_at: row.get("created_at"),
            updated_at: row.get("updated_at"),
        }
    };
    Ok(ids.into_iter().zip(new).map(person).collect())
}

/// Stores one person: [`insert_many`] of one.
///
/// # Errors
/// [`Error::Duplicate`] with [`super::EMAIL_KEY`] if an address is given twice.
pub async fn insert(client: &dyn Connection, by: Actor, new: NewPerson) -> Result<Person, Error> {
    insert_many(client, vec![(by, new)]).await?.pop().ok_or(Error::NotFound)
}

/// Rows as PostgreSQL takes many: by column.
#[derive(Default)]
struct Persons<'a> {
    ids: Vec<Uuid>,
    names: Vec<&'a str>,
    nicknames: Vec<Option<&'a str>>,
}

#[derive(Default)]
struct Emails<'a> {
    ids: Vec<Uuid>,
    person_ids: Vec<Uuid>,
    addresses: Vec<&'a str>,
}

#[derive(Default)]
struct Audit<'a> {
    ids: Vec<Uuid>,
    account_ids: Vec<Option<Uuid>>,
    token_ids: Vec<Option<Uuid>>,
    actions: Vec<&'static str>,
    request_ids: Vec<Option<&'a str>>,
}

impl<'a> Persons<'a> {
    fn push(&mut self, id: Uuid, new: &'a NewPerson) {
        self.ids.push(id);
        self.names.push(&new.name);
        self.nicknames.push(new.nickname.as_deref());
    }
}

impl<'a> Emails<'a> {
    fn push(&mut self, person: Uuid, new: &'a NewPerson) {
        for address in &new.addresses {
            self.ids.push(Uuid::now_v7());
            self.person_ids.push(person);
            self.addresses.push(address);
        }
    }
}

impl<'a> Audit<'a> {
    fn push(&mut self, by: &'a Actor) {
        self.ids.push(Uuid::now_v7());
        self.account_ids.push(by.account_id);
        self.token_ids.push(by.token_id);
        self.actions.push(by.action);
        self.request_ids.push(by.request_id.as_deref());
    }
}
