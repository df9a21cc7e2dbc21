//! Persons and their e-mail addresses.

use chrono::{DateTime, Utc};
use db::Pool;
use poem_openapi::{
    ApiResponse, Object, OpenApi,
    param::{Path, Query},
    payload::Json,
};
use uuid::Uuid;

use crate::error::ApiError;

pub(crate) struct PersonsApi {
    pub(crate) pool: Pool,
}

#[OpenApi]
impl PersonsApi {
    /// List persons
    ///
    /// In the order of their creation, a page at a time: pass a page's `next` as `cursor` to get the
    /// one after it. The last page has no `next`.
    #[oai(path = "/persons", method = "get", operation_id = "listPersons", tag = "Tags::Persons")]
    async fn list(
        &self,
        /// How many persons at most.
        #[oai(default = "default_limit", validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<u32>,
        /// The `next` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<Json<PersonPage>, ApiError> {
        let after = cursor.0.as_deref().map(parse_cursor).transpose()?;
        let client = self.pool.get().await.map_err(db::Error::from)?;
        // One more than asked for tells whether there is a next page.
        let mut persons = db::persons::list(&client, after, limit.0 + 1).await?;
        let more = persons.len() > limit.0 as usize;
        persons.truncate(limit.0 as usize);
        let next = persons.last().filter(|_| more).map(|last| last.id.simple().to_string());
        Ok(Json(PersonPage { items: persons.into_iter().map(Person::from).collect(), next }))
    }

    /// Create a person
    ///
    /// Together with its e-mail addresses, all or nothing.
    #[oai(path = "/persons", method = "post", operation_id = "createPerson", tag = "Tags::Persons")]
    async fn create(&self, body: Json<CreatePerson>) -> Result<CreatePersonResponse, ApiError> {
        let CreatePerson { name, emails } = body.0;
        let client = self.pool.get().await.map_err(db::Error::from)?;
        match db::persons::insert(&client, name, emails).await {
            Err(db::Error::Duplicate { constraint }) if constraint == db::persons::EMAIL_KEY => {
                Err(ApiError::Conflict("emails: an address is given twice"))
            }
            person => {
                let person = Person::from(person?);
                let location = format!("/persons/{}", person.id);
                Ok(CreatePersonResponse::Created(Json(person), location))
            }
        }
    }

    /// Get a person
    #[oai(path = "/persons/:id", method = "get", operation_id = "getPerson", tag = "Tags::Persons")]
    async fn get(
        &self,
        /// The person's id.
        id: Path<Uuid>,
    ) -> Result<Json<Person>, ApiError> {
        let client = self.pool.get().await.map_err(db::Error::from)?;
        let person = db::persons::find(&client, id.0).await?;
        Ok(Json(person.ok_or(ApiError::NotFound("person"))?.into()))
    }
}

/// A person with its e-mail addresses.
#[derive(Debug, Object)]
struct Person {
    /// A UUID of version 7.
    id: Uuid,
    /// The full name.
    name: String,
    /// In the order in which they were added.
    emails: Vec<Email>,
    /// When the person was created, in UTC.
    created_at: DateTime<Utc>,
}

/// An e-mail address of a person.
#[derive(Debug, Object)]
struct Email {
    /// A UUID of version 7.
    id: Uuid,
    /// The address, in the case in which it was given.
    address: String,
}

/// A page of persons.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct PersonPage {
    /// The persons of this page.
    items: Vec<Person>,
    /// What to pass as `cursor` for the next page; absent on the last one.
    next: Option<String>,
}

/// A person to be created.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, example)]
struct CreatePerson {
    /// The full name.
    #[oai(validator(min_length = 1, max_length = 200))]
    name: String,
    /// At least one address; the same one twice is refused, whatever its case.
    #[oai(validator(min_items = 1, max_items = 20, min_length = 3, max_length = 254))]
    emails: Vec<String>,
}

#[derive(ApiResponse)]
enum CreatePersonResponse {
    /// The person as stored
    #[oai(status = 201)]
    Created(
        Json<Person>,
        /// Where the person is found.
        #[oai(header = "Location")]
        String,
    ),
}

#[derive(poem_openapi::Tags)]
enum Tags {
    /// People and their e-mail addresses.
    Persons,
}

impl poem_openapi::types::Example for CreatePerson {
    fn example() -> Self {
        Self { name: "Ada Lovelace".to_owned(), emails: vec!["ada@example.com".to_owned()] }
    }
}

impl From<db::persons::Person> for Person {
    fn from(person: db::persons::Person) -> Self {
        let emails = person
            .emails
            .into_iter()
            .map(|email| Email { id: email.id, address: email.address })
            .collect();
        Self { id: person.id, name: person.name, emails, created_at: person.created_at }
    }
}

fn default_limit() -> u32 {
    20
}

fn parse_cursor(cursor: &str) -> Result<Uuid, ApiError> {
    Uuid::try_parse(cursor)
        .map_err(|_| ApiError::Invalid("cursor: pass the `next` of a page as it is".to_owned()))
}
