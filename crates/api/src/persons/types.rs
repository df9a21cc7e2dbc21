//! What persons look like in requests and answers.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use db::persons as rows;
use poem_openapi::{
    Enum, Object,
    types::{Example, MaybeUndefined},
};
use serde::{Deserialize, Serialize};
use uuid::{Uuid, uuid};
use web::{
    error::{ApiError, FieldError},
    etag::ETag,
    examples,
    text::{EmailAddress, Line},
};

pub(super) mod cursor;

/// The first person of the sample rows.
pub(crate) const FIRST: Uuid = uuid!("01900000-0000-7000-8000-000000000001");

/// A person with its e-mail addresses.
#[derive(Debug, Serialize, Deserialize, Object)]
#[oai(skip_serializing_if_is_none, example)]
pub(crate) struct Person {
    /// A UUID of version 7.
    pub(super) id: Uuid,
    /// The full name.
    name: String,
    /// What friends call this person; absent if there is no such name.
    #[serde(skip_serializing_if = "Option::is_none")]
    nickname: Option<String>,
    /// In the order in which they were added.
    emails: Vec<Email>,
    /// Goes up by one with every change; the ETag.
    version: i32,
    /// When the person was created, in UTC.
    created_at: DateTime<Utc>,
    /// When the person was changed last, in UTC.
    updated_at: DateTime<Utc>,
}

impl Example for Person {
    fn example() -> Self {
        Self {
            id: FIRST,
            name: "Ada Lovelace".to_owned(),
            nickname: Some("Ada".to_owned()),
            emails: vec![Email::example()],
            version: 1,
            created_at: examples::time(),
            updated_at: examples::time(),
        }
    }
}

/// An e-mail address of a person.
#[derive(Debug, Serialize, Deserialize, Object)]
#[oai(example)]
pub(crate) struct Email {
    /// A UUID of version 7.
    pub(super) id: Uuid,
    /// The address, in the case in which it was given.
    address: String,
}

impl Example for Email {
    fn example() -> Self {
        Self {
            id: uuid!("01900000-0000-7000-9000-000000000011"),
            address: "ada@example.com".to_owned(),
        }
    }
}

/// A page of persons.
#[derive(Debug, Serialize, Object)]
#[oai(skip_serializing_if_is_none, example)]
pub(crate) struct PersonPage {
    /// The persons of this page.
    pub(super) items: Vec<Person>,
    /// What to pass as `cursor` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<String>,
}

impl Example for PersonPage {
    fn example() -> Self {
        Self { items: vec![Person::example()], next: Some("AZAAAAAAcACAAAAAAAAAAQ".to_owned()) }
    }
}

/// A person to be created, or what a person is replaced by.
#[derive(Debug, Serialize, Deserialize, Object)]
#[oai(example)]
pub(crate) struct CreatePerson {
    /// The full name.
    name: Line<200>,
    /// What friends call this person.
    #[serde(skip_serializing_if = "Option::is_none")]
    nickname: Option<Line<50>>,
    /// At least one address; the same one twice is refused, whatever its case.
    #[oai(validator(min_items = 1, max_items = 20))]
    emails: Vec<EmailAddress>,
}

/// What to change of a person.
#[derive(Debug, Deserialize, Object)]
#[oai(example)]
pub(crate) struct UpdatePerson {
    /// The full name.
    #[oai(skip_serializing_if_is_none)]
    name: Option<Line<200>>,
    /// What friends call this person; `null` removes it.
    #[serde(default)]
    #[oai(nullable)]
    nickname: MaybeUndefined<Line<50>>,
    /// All addresses; one that the person has keeps its id.
    #[oai(skip_serializing_if_is_none, validator(min_items = 1, max_items = 20))]
    emails: Option<Vec<EmailAddress>>,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub(crate) enum PersonOrder {
    /// By creation.
    CreatedAt,
    /// By name without case, then by creation.
    Name,
}

impl PersonOrder {
    /// As the query parameter spells it.
    fn as_str(self) -> &'static str {
        match self {
            Self::CreatedAt => "created_at",
            Self::Name => "name",
        }
    }
}

impl Person {
    pub(super) fn etag(&self) -> ETag {
        ETag(self.version)
    }
}

impl CreatePerson {
    /// The row to store; `place` is where in the body this person stands.
    ///
    /// # Errors
    /// [`ApiError::Conflict`] with every address that is given twice.
    pub(super) fn row(&self, place: &str) -> Result<rows::NewPerson, ApiError> {
        Ok(rows::NewPerson {
            name: self.name.0.clone(),
            nickname: self.nickname.as_ref().map(|nickname| nickname.0.clone()),
            addresses: unique(&self.emails, place)?,
        })
    }
}

impl UpdatePerson {
    /// What `person` becomes by this.
    ///
    /// # Errors
    /// [`ApiError::Conflict`] with every address that is given twice.
    pub(super) fn apply(&self, person: rows::Person) -> Result<rows::NewPerson, ApiError> {
        let had = || person.emails.iter().map(|email| email.address.clone()).collect();
        Ok(rows::NewPerson {
            addresses: self
                .emails
                .as_ref()
                .map_or_else(|| Ok(had()), |emails| unique(emails, ""))?,
            name: self.name.as_ref().map_or(person.name, |name| name.0.clone()),
            nickname: match &self.nickname {
                MaybeUndefined::Undefined => person.nickname,
                MaybeUndefined::Null => None,
                MaybeUndefined::Value(nickname) => Some(nickname.0.clone()),
            },
        })
    }
}

fn unique(emails: &[EmailAddress], place: &str) -> Result<Vec<String>, ApiError> {
    let mut seen = HashSet::new();
    let twice = emails.iter().enumerate().filter(|(_, email)| !seen.insert(email.0.to_lowercase()));
    let twice: Vec<_> = twice
        .map(|(index, _)| FieldError::new(format!("{place}/emails/{index}"), "is given twice"))
        .collect();
    if !twice.is_empty() {
        return Err(ApiError::Conflict(twice));
    }
    Ok(emails.iter().map(|email| email.0.clone()).collect())
}

impl Example for CreatePerson {
    fn example() -> Self {
        Self {
            name: Line("Ada Lovelace".to_owned()),
            nickname: Some(Line("Ada".to_owned())),
            emails: vec![EmailAddress("ada@example.com".to_owned())],
        }
    }
}

impl Example for UpdatePerson {
    fn example() -> Self {
        Self {
            name: Some(Line("Ada King".to_owned())),
            nickname: MaybeUndefined::Null,
            emails: None,
        }
    }
}

impl From<rows::Person> for Person {
    fn from(person: rows::Person) -> Self {
        Self {
            id: person.id,
            name: person.name,
            nickname: person.nickname,
            emails: person.emails.into_iter().map(Email::from).collect(),
            version: person.version,
            created_at: person.created_at,
            updated_at: person.updated_at,
        }
    }
}

impl From<rows::Email> for Email {
    fn from(email: rows::Email) -> Self {
        Self { id: email.id, address: email.address }
    }
}
