//! Operations on single e-mail addresses of a person. Every change increments the version of the person.

use poem_openapi::{
    ApiResponse, Object, OpenApi,
    param::{Header, Path},
    types::Example,
};
use serde::{Deserialize, Serialize};
use uuid::{Uuid, uuid};
use web::{
    AppState, audited,
    auth::{Reader, Writer},
    error::{ApiError, ApiErrorOr, DatabaseResult, FieldError},
    etag,
    idempotency::{self, once},
    json::Json,
    responses::DeletedResponse,
    store::{self, Connection, Database, audit},
    text::{EmailAddress, IdempotencyKey},
};

use crate::persons::Tag;

const LIST: &str = "-- emails.list
    SELECT emails.id, address
    FROM persons LEFT JOIN emails ON person_id = persons.id
    WHERE persons.id = $1
    ORDER BY position, emails.id";

const LOCK_PERSON: &str = "-- emails.lock_person
    SELECT version FROM persons WHERE id = $1 FOR UPDATE";

const ADD: &str = audited!(
    3,
    with: "changed AS (
        -- emails.add
        UPDATE persons SET version = version + 1, updated_at = now()
        WHERE id = $1 AND (SELECT count(*) FROM emails WHERE person_id = $1) < 20
        RETURNING id
    ), added AS (
        INSERT INTO emails (person_id, address, position)
        SELECT id, $2, (SELECT coalesce(max(position), 0) + 1 FROM emails WHERE person_id = $1) FROM changed
        RETURNING id, address
    )",
    select: "SELECT id, address FROM added"
);

const REMOVE: &str = audited!(
    3,
    with: "removed AS (
        -- emails.remove
        DELETE FROM emails WHERE person_id = $1 AND id = $2
        RETURNING person_id
    ), changed AS (
        UPDATE persons SET version = version + 1, updated_at = now()
        FROM removed WHERE persons.id = removed.person_id
        RETURNING persons.id
    )",
    select: "SELECT id, EXISTS (SELECT FROM emails WHERE person_id = $1 AND emails.id <> $2) AS is_left FROM changed"
);

pub(crate) struct Emails {
    database: Database,
}

impl Emails {
    pub(crate) fn new(state: &AppState) -> Self {
        Self { database: state.database.clone() }
    }
}

#[OpenApi(tag = "Tag::Persons")]
impl Emails {
    /// List a person's e-mail addresses
    ///
    /// Returns all addresses, at most 20.
    #[oai(path = "/persons/:id/emails", method = "get", operation_id = "listEmails")]
    async fn list(
        &self,
        _caller: Reader,
        /// The id of the person.
        id: Path<Uuid>,
    ) -> Result<Json<EmailList>, ApiError> {
        let rows = self.database.client().await?.query(LIST, &[&id.0]).await?;
        if rows.is_empty() {
            return Err(ApiError::NotFound("person"));
        }
        // The outer join returns one row of nulls for a person without addresses.
        let rows = rows.iter().filter(|row| row.get::<_, Option<Uuid>>("id").is_some());
        Ok(Json(EmailList { items: rows.map(Email::read).collect() }))
    }

    /// Add an e-mail address
    ///
    /// Adds the address to the end of the person's list, which holds at most 20 addresses.
    #[oai(path = "/persons/:id/emails", method = "post", operation_id = "addEmail")]
    async fn add(
        &self,
        caller: Writer,
        /// The id of the person.
        id: Path<Uuid>,
        /// A repeated request with the same key returns the first response and creates nothing.
        #[oai(name = "Idempotency-Key")]
        key: Header<Option<IdempotencyKey>>,
        body: Json<AddEmail>,
    ) -> Result<AddEmailResponse, ApiErrorOr<409>> {
        let (person, by) = (id.0, caller.by("addEmail"));
        let operation = format!("addEmail {person}");
        let request = key.0.map(|key| idempotency::Request::new(&by, &key, &operation, &body.0));
        let (by, address) = (&by, &body.0.address);
        let email = once(&self.database, request, |transaction| async move {
            let transaction: &dyn Connection = &*transaction;
            // The lock prevents concurrent requests from exceeding the limit of the list.
            transaction.query_one(LOCK_PERSON, &[&person]).await.or_not_found("person")?;
            let entry = audit::entry(by, "person", person);
            let added = transaction
                .query_opt(ADD, &[&person, address, &store::Json(&entry)])
                .await
                .on_constraint(
                    "emails_person_id_address_key",
                    "/address",
                    "is already in the list",
                )?;
            let full = FieldError::new("/address".to_owned(), "the list already has 20 addresses");
            added.as_ref().map(Email::read).ok_or(ApiError::Conflict(vec![full]))
        })
        .await?;
        let location = format!("/persons/{person}/emails/{}", email.id);
        Ok(AddEmailResponse::Created(Json(email), location))
    }

    /// Remove an e-mail address
    ///
    /// Removes the address from the person's list. The last address cannot be removed.
    #[oai(path = "/persons/:id/emails/:email_id", method = "delete", operation_id = "removeEmail")]
    async fn remove(
        &self,
        caller: Writer,
        /// The id of the person.
        id: Path<Uuid>,
        /// The id of the address.
        email_id: Path<Uuid>,
        /// Remove the address only if the person still has this ETag.
        #[oai(name = "If-Match")]
        if_match: Header<Option<String>>,
    ) -> Result<DeletedResponse, ApiErrorOr<409>> {
        let entry = &audit::entry(&caller.by("removeEmail"), "person", id.0);
        let (person, email, if_match) = (id.0, email_id.0, if_match.0.as_deref());
        once(&self.database, None, |transaction| async move {
            let transaction: &dyn Connection = &*transaction;
            let locked = transaction.query_one(LOCK_PERSON, &[&person]).await;
            etag::check(if_match, locked.or_not_found("person")?.get("version"))?;
            let removed =
                transaction.query_one(REMOVE, &[&person, &email, &store::Json(entry)]).await;
            let left: bool = removed.or_not_found("e-mail address")?.get("is_left");
            // An error rolls the transaction back.
            let last = FieldError::parameter("email_id", "is the person's last address");
            if left { Ok(()) } else { Err(ApiError::Conflict(vec![last])) }
        })
        .await?;
        Ok(DeletedResponse::Deleted)
    }
}

/// An e-mail address of a person.
#[derive(Debug, Serialize, Deserialize, Object)]
#[oai(example)]
struct Email {
    /// The id of the address.
    id: Uuid,
    /// The address as the client sent it.
    address: String,
}

impl Email {
    fn read(row: &store::Row) -> Self {
        Self { id: row.get("id"), address: row.get("address") }
    }
}

impl Example for Email {
    fn example() -> Self {
        Self {
            id: uuid!("01900000-0000-7000-9000-000000000011"),
            address: "ada@example.com".to_owned(),
        }
    }
}

/// The e-mail addresses of a person.
#[derive(Debug, Serialize, Object)]
#[oai(example)]
struct EmailList {
    /// The addresses, in list order.
    items: Vec<Email>,
}

impl Example for EmailList {
    fn example() -> Self {
        Self { items: vec![Email::example()] }
    }
}

/// An e-mail address to add.
#[derive(Debug, Serialize, Deserialize, Object)]
#[oai(example)]
struct AddEmail {
    /// The address. It must not be in the person's list yet. Letter case is ignored.
    address: EmailAddress,
}

impl Example for AddEmail {
    fn example() -> Self {
        Self { address: EmailAddress("lovelace@example.com".to_owned()) }
    }
}

#[derive(ApiResponse)]
enum AddEmailResponse {
    /// The added address
    #[oai(status = 201)]
    Created(
        Json<Email>,
        /// The path of the address.
        #[oai(header = "Location")]
        String,
    ),
}
