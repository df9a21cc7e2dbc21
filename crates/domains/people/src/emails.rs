//! Operations on single e-mail addresses of a person. Every change increments the version of the person.

use poem_openapi::{
    ApiResponse, Object, OpenApi,
    param::{Header, Path},
    types::Example,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use web::{
    AppState, audited,
    auth::{Reader, Writer},
    error::{ApiError, ApiErrorOr, DatabaseResult, FieldError},
    etag,
    idempotency::{self, Repeatable, once},
    json::Json,
    responses::DeletedResponse,
    store::{self, Connection, Database, audit},
    text::{EmailAddress, IdempotencyKey},
};

use crate::persons::Tag;

const FIND: &str = "-- emails.find
    SELECT emails FROM persons WHERE id = $1";

const LOCK: &str = "-- emails.lock
    SELECT emails, version FROM persons WHERE id = $1 FOR UPDATE";

const ADD: &str = audited!(
    3,
    "-- emails.add
    UPDATE persons SET emails = emails || $2::text, version = version + 1, updated_at = now()
    WHERE id = $1
    RETURNING id, emails"
);

const REMOVE: &str = audited!(
    3,
    "-- emails.remove
    UPDATE persons SET emails = array_remove(emails, $2::text), version = version + 1, updated_at = now()
    WHERE id = $1
    RETURNING id"
);

/// The maximum number of addresses of a person. The constraint `persons_emails_count` has the same limit.
const MAX_EMAILS: usize = 20;

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
        let rows = self.database.client().await?.query(FIND, &[&id.0]).await?;
        let row = rows.first().ok_or(ApiError::NotFound("person"))?;
        Ok(Json(EmailList { items: row.get("emails") }))
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
        /// A repeated request with the same key returns the first response and adds nothing.
        #[oai(name = "Idempotency-Key")]
        key: Header<Option<IdempotencyKey>>,
        body: Json<AddEmail>,
    ) -> Result<Repeatable<AddEmailResponse>, ApiErrorOr<409>> {
        let (person, by) = (id.0, caller.by("addEmail"));
        let operation = format!("addEmail {person}");
        let request = key.0.map(|key| idempotency::Request::new(&by, &key, &operation, &body.0));
        let (by, address) = (&by, &body.0.address);
        let added = once(&self.database, request, |transaction| async move {
            let transaction: &dyn Connection = &*transaction;
            // The lock prevents concurrent requests from changing the list after the check.
            let row = transaction.query_one(LOCK, &[&person]).await.or_not_found("person")?;
            let emails: Vec<EmailAddress> = row.get("emails");
            let conflict = |problem| FieldError::new("/address".to_owned(), problem);
            if emails.contains(address) {
                return Err(ApiError::Conflict(vec![conflict("is already in the list")]));
            }
            if emails.len() >= MAX_EMAILS {
                return Err(ApiError::Conflict(vec![conflict(
                    "the list already has 20 addresses",
                )]));
            }
            let entry = audit::entry(by, "person", person);
            let row = transaction.query_one(ADD, &[&person, address, &store::Json(&entry)]).await?;
            let list = Json(EmailList { items: row.get("emails") });
            Ok(AddEmailResponse::Created(list, format!("/persons/{person}/emails")))
        });
        Ok(added.await?)
    }

    /// Remove an e-mail address
    ///
    /// Removes the address from the person's list. The last address cannot be removed.
    #[oai(path = "/persons/:id/emails/:address", method = "delete", operation_id = "removeEmail")]
    async fn remove(
        &self,
        caller: Writer,
        /// The id of the person.
        id: Path<Uuid>,
        /// The address. Letter case is ignored.
        address: Path<EmailAddress>,
        /// Remove the address only if the person still has this ETag.
        #[oai(name = "If-Match")]
        if_match: Header<Option<String>>,
    ) -> Result<Repeatable<DeletedResponse>, ApiErrorOr<409>> {
        let entry = &audit::entry(&caller.by("removeEmail"), "person", id.0);
        let (person, address, if_match) = (id.0, &address.0, if_match.0.as_deref());
        let removed = once(&self.database, None, |transaction| async move {
            let transaction: &dyn Connection = &*transaction;
            let row = transaction.query_one(LOCK, &[&person]).await.or_not_found("person")?;
            etag::check(if_match, row.get("version"))?;
            let emails: Vec<EmailAddress> = row.get("emails");
            if !emails.contains(address) {
                return Err(ApiError::NotFound("e-mail address"));
            }
            if emails.len() == 1 {
                let last = FieldError::parameter("address", "is the person's last address");
                return Err(ApiError::Conflict(vec![last]));
            }
            transaction.query_one(REMOVE, &[&person, address, &store::Json(entry)]).await?;
            Ok(DeletedResponse::Deleted)
        });
        Ok(removed.await?)
    }
}

/// The e-mail addresses of a person.
#[derive(Debug, Serialize, Object)]
#[oai(example)]
struct EmailList {
    /// The addresses in the order of the list.
    items: Vec<EmailAddress>,
}

impl Example for EmailList {
    fn example() -> Self {
        Self { items: vec![EmailAddress("ada@example.com".to_owned())] }
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
    /// The addresses of the person
    #[oai(status = 201)]
    Created(
        Json<EmailList>,
        /// The path of the person's list of e-mail addresses.
        #[oai(header = "Location")]
        String,
    ),
}
