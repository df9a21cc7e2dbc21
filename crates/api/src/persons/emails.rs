//! The e-mail addresses of one person.

use db::{Database, audit, persons as rows};
use poem_openapi::{
    ApiResponse, Object, OpenApi,
    param::{Header, Path},
    types::Example,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use web::{
    auth::{Reader, Writer},
    error::{ApiError, FieldError},
    etag, idempotency,
    json::Json,
    responses::DeletedResponse,
    text::{EmailAddress, IdempotencyKey},
};

use super::{Tags, no_person, types::Email};

pub(crate) struct EmailsApi {
    pub(crate) database: Database,
}

#[OpenApi(tag = "Tags::Persons")]
impl EmailsApi {
    /// List a person's e-mail addresses
    ///
    /// All of them: a person has few.
    #[oai(path = "/persons/:id/emails", method = "get", operation_id = "listEmails")]
    async fn list(
        &self,
        _caller: Reader,
        /// The person's id.
        id: Path<Uuid>,
    ) -> Result<Json<EmailList>, ApiError> {
        let client = self.database.client().await?;
        let person = rows::get(&client, id.0).await.map_err(no_person)?;
        Ok(Json(EmailList { items: person.emails.into_iter().map(Email::from).collect() }))
    }

    /// Add an e-mail address
    ///
    /// It becomes the last one of the person, whose version goes up by one.
    #[oai(path = "/persons/:id/emails", method = "post", operation_id = "addEmail")]
    async fn add(
        &self,
        caller: Writer,
        /// The person's id.
        id: Path<Uuid>,
        /// The request is done once, however often it is repeated with this key.
        #[oai(name = "Idempotency-Key")]
        idempotency_key: Header<Option<IdempotencyKey>>,
        body: Json<AddEmail>,
    ) -> Result<AddEmailResponse, ApiError> {
        let operation = format!("addEmail {}", id.0);
        let request =
            |key: IdempotencyKey| idempotency::Request::new(&caller, &key, &operation, &body.0);
        let request = idempotency_key.0.map(request).transpose()?;
        db::retry(|| async {
            let transaction = self.database.begin().await?;
            if let Some(request) = &request
                && let Some(email) = request.answered(&transaction).await?
            {
                return Ok(created(id.0, email));
            }
            rows::lock(&transaction, id.0).await.map_err(no_person)?;
            let by = caller.0.by("addEmail");
            let added = rows::add_email(&transaction, id.0, body.0.address.0.clone());
            let recorded = audit::record(&transaction, &by, "person", id.0);
            let (added, ()) = db::both(added, recorded).await.map_err(has_it)?;
            let email = Email::from(added);
            if let Some(request) = &request {
                request.keep(&transaction, &email).await?;
            }
            transaction.commit().await?;
            Ok(created(id.0, email))
        })
        .await
    }

    /// Remove an e-mail address
    ///
    /// A person may be left without one.
    #[oai(path = "/persons/:id/emails/:email_id", method = "delete", operation_id = "removeEmail")]
    async fn remove(
        &self,
        caller: Writer,
        /// The person's id.
        id: Path<Uuid>,
        /// The address's id.
        email_id: Path<Uuid>,
        /// Only if the person's version is still this ETag.
        #[oai(name = "If-Match")]
        if_match: Header<Option<String>>,
    ) -> Result<DeletedResponse, ApiError> {
        let by = caller.0.by("removeEmail");
        db::retry(|| async {
            let transaction = self.database.begin().await?;
            let person = rows::lock(&transaction, id.0).await.map_err(no_person)?;
            etag::check(if_match.0.as_deref(), person.version)?;
            let removed = rows::remove_email(&transaction, id.0, email_id.0);
            let recorded = audit::record(&transaction, &by, "person", id.0);
            db::both(removed, recorded).await.map_err(no_email)?;
            transaction.commit().await?;
            Ok(DeletedResponse::Deleted)
        })
        .await
    }
}

/// The e-mail addresses of a person.
#[derive(Debug, Serialize, Object)]
#[oai(example)]
struct EmailList {
    /// In the order in which they were added.
    items: Vec<Email>,
}

impl Example for EmailList {
    fn example() -> Self {
        Self { items: vec![Email::example()] }
    }
}

/// An e-mail address to be added.
#[derive(Debug, Serialize, Deserialize, Object)]
#[oai(example)]
struct AddEmail {
    /// The address; the person must not have it yet, whatever its case.
    address: EmailAddress,
}

impl Example for AddEmail {
    fn example() -> Self {
        Self { address: EmailAddress("lovelace@example.com".to_owned()) }
    }
}

#[derive(ApiResponse)]
enum AddEmailResponse {
    /// The address as stored
    #[oai(status = 201)]
    Created(
        Json<Email>,
        /// Where the address is found.
        #[oai(header = "Location")]
        String,
    ),
}

fn created(person: Uuid, email: Email) -> AddEmailResponse {
    let location = format!("/persons/{person}/emails/{}", email.id);
    AddEmailResponse::Created(Json(email), location)
}

fn no_email(error: db::Error) -> ApiError {
    match error {
        db::Error::NotFound => ApiError::NotFound("e-mail address"),
        error => error.into(),
    }
}

fn has_it(error: db::Error) -> ApiError {
    match error {
        db::Error::Duplicate { constraint } if constraint == rows::EMAIL_KEY => {
            ApiError::Conflict(vec![FieldError::new("/address".to_owned(), "the person has it")])
        }
        error => error.into(),
    }
}
