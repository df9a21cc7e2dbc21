//! Persons: listed, created, read, changed, deleted.

mod batch;
mod emails;
mod responses;
mod types;

use db::{Database, audit, persons as rows};
use poem_openapi::{
    OpenApi,
    param::{Header, Path, Query},
};
use uuid::Uuid;
use web::{
    auth::{Admin, Reader, Writer},
    error::ApiError,
    etag, idempotency,
    json::{Json, Written},
    responses::DeletedResponse,
    text::{IdempotencyKey, Search},
};

pub(crate) use batch::BatchApi;
pub(crate) use emails::EmailsApi;
use responses::{CreatePersonResponse, GetPersonResponse, PersonResponse, PersonsResponse, page};
pub(crate) use types::FIRST;
use types::{CreatePerson, Person, PersonOrder, UpdatePerson, cursor};

pub(crate) struct PersonsApi {
    database: Database,
    shared: rows::Shared,
    pages: rows::Pages,
}

impl PersonsApi {
    pub(crate) fn new(database: &Database) -> Self {
        Self {
            database: database.clone(),
            shared: rows::Shared::new(database),
            pages: rows::Pages::new(database, page),
        }
    }
}

#[OpenApi(tag = "Tags::Persons")]
impl PersonsApi {
    /// List persons
    ///
    /// A page at a time: pass a page's `next` as `cursor`, with the same filters and the same order,
    /// to get the one after it. The last page has no `next`.
    #[oai(path = "/persons", method = "get", operation_id = "listPersons")]
    async fn list(
        &self,
        _caller: Reader,
        /// How many persons at most.
        #[oai(default = "default_limit", validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<u32>,
        /// The `next` of the page before.
        cursor: Query<Option<String>>,
        /// The order, by creation if none is given.
        sort: Query<Option<PersonOrder>>,
        /// Only persons whose name begins with this, compared without case.
        name_prefix: Query<Option<Search<1, 200>>>,
        /// Only the persons with this e-mail address, compared without case.
        email: Query<Option<Search<3, 254>>>,
    ) -> Result<PersonsResponse, ApiError> {
        let sort = sort.0.unwrap_or(PersonOrder::CreatedAt);
        let order = cursor::read(sort, cursor.0.as_deref())?;
        let filter = rows::Filter {
            name_prefix: name_prefix.0.map(|text| text.0),
            address: email.0.map(|text| text.0),
        };
        let page = self.pages.list(&filter, &order, limit.0).await?;
        let link = page.next.map(|next| {
            let query = cursor::query(&next, limit.0, sort, &filter);
            format!("</persons?{query}>; rel=\"next\"")
        });
        Ok(PersonsResponse::Page(Written::new(page.body), link))
    }

    /// Create a person
    ///
    /// Together with its e-mail addresses, all or nothing.
    #[oai(path = "/persons", method = "post", operation_id = "createPerson")]
    async fn create(
        &self,
        caller: Writer,
        /// The request is done once, however often it is repeated with this key.
        #[oai(name = "Idempotency-Key")]
        idempotency_key: Header<Option<IdempotencyKey>>,
        body: Json<CreatePerson>,
    ) -> Result<CreatePersonResponse, ApiError> {
        let (new, by) = (body.0.row("")?, caller.0.by("createPerson"));
        let Some(key) = idempotency_key.0 else {
            return Ok(created(self.shared.insert(by, new).await?.into()));
        };
        let request = idempotency::Request::new(&caller, &key, by.action, &body.0)?;
        db::retry(|| async {
            let transaction = self.database.begin().await?;
            if let Some(person) = request.answered(&transaction).await? {
                return Ok(created(person));
            }
            let person = Person::from(rows::insert(&transaction, by.clone(), new.clone()).await?);
            request.keep(&transaction, &person).await?;
            transaction.commit().await?;
            Ok(created(person))
        })
        .await
    }

    /// Get a person
    ///
    /// With its e-mail addresses. Its version is the `ETag`, by which later changes can tell whether
    /// somebody else was quicker.
    #[oai(path = "/persons/:id", method = "get", operation_id = "getPerson")]
    async fn get(
        &self,
        _caller: Reader,
        /// The person's id.
        id: Path<Uuid>,
        /// Answer 304 if the version is this ETag.
        #[oai(name = "If-None-Match")]
        if_none_match: Header<Option<String>>,
    ) -> Result<GetPersonResponse, ApiError> {
        let person = Person::from(self.shared.get(id.0).await.map_err(no_person)?);
        let etag = person.etag();
        if if_none_match.0.is_some_and(|known| etag::matches(&known, etag)) {
            return Ok(GetPersonResponse::NotModified(etag));
        }
        Ok(GetPersonResponse::Found(Json(person), etag))
    }

    /// Replace a person
    ///
    /// What the body leaves out is removed. An address that the person had keeps its id.
    #[oai(path = "/persons/:id", method = "put", operation_id = "replacePerson")]
    async fn replace(
        &self,
        caller: Writer,
        /// The person's id.
        id: Path<Uuid>,
        /// Only if the version is still this ETag.
        #[oai(name = "If-Match")]
        if_match: Header<Option<String>>,
        body: Json<CreatePerson>,
    ) -> Result<PersonResponse, ApiError> {
        let new = body.0.row("")?;
        let (by, if_match) = (caller.0.by("replacePerson"), if_match.0.as_deref());
        db::retry(|| self.change(&by, id.0, if_match, |_| Ok(new.clone()))).await
    }

    /// Change a person
    ///
    /// A JSON merge patch (RFC 7396): a field that is absent stays, `null` removes a nickname, and a
    /// list of addresses replaces the whole list.
    #[oai(path = "/persons/:id", method = "patch", operation_id = "updatePerson")]
    async fn update(
        &self,
        caller: Writer,
        /// The person's id.
        id: Path<Uuid>,
        /// Only if the version is still this ETag.
        #[oai(name = "If-Match")]
        if_match: Header<Option<String>>,
        body: Json<UpdatePerson>,
    ) -> Result<PersonResponse, ApiError> {
        let (by, if_match) = (caller.0.by("updatePerson"), if_match.0.as_deref());
        db::retry(|| self.change(&by, id.0, if_match, |person| body.0.apply(person))).await
    }

    /// Delete a person
    ///
    /// For admins. Its e-mail addresses are deleted with it.
    #[oai(path = "/persons/:id", method = "delete", operation_id = "deletePerson")]
    async fn delete(
        &self,
        caller: Admin,
        /// The person's id.
        id: Path<Uuid>,
        /// Only if the version is still this ETag.
        #[oai(name = "If-Match")]
        if_match: Header<Option<String>>,
    ) -> Result<DeletedResponse, ApiError> {
        let by = caller.0.by("deletePerson");
        db::retry(|| async {
            let transaction = self.database.begin().await?;
            let person = rows::lock(&transaction, id.0).await.map_err(no_person)?;
            etag::check(if_match.0.as_deref(), person.version)?;
            let recorded = audit::record(&transaction, &by, "person", id.0);
            db::both(rows::delete(&transaction, id.0), recorded).await?;
            transaction.commit().await?;
            Ok(DeletedResponse::Deleted)
        })
        .await
    }
}

impl PersonsApi {
    /// Locks the person, checks that it is the version the client knows, and stores what `to` makes
    /// of it.
    async fn change(
        &self,
        by: &audit::Actor,
        id: Uuid,
        if_match: Option<&str>,
        to: impl FnOnce(rows::Person) -> Result<rows::NewPerson, ApiError>,
    ) -> Result<PersonResponse, ApiError> {
        let transaction = self.database.begin().await?;
        let person = rows::lock(&transaction, id).await.map_err(no_person)?;
        etag::check(if_match, person.version)?;
        let new = to(person)?;
        let recorded = audit::record(&transaction, by, "person", id);
        let (person, ()) = db::both(rows::update(&transaction, id, &new), recorded).await?;
        transaction.commit().await?;
        let person = Person::from(person);
        let etag = person.etag();
        Ok(PersonResponse::Stored(Json(person), etag))
    }
}

#[derive(poem_openapi::Tags)]
pub(crate) enum Tags {
    /// People and their e-mail addresses.
    Persons,
}

fn created(person: Person) -> CreatePersonResponse {
    let (location, etag) = (format!("/persons/{}", person.id), person.etag());
    CreatePersonResponse::Created(Json(person), location, etag)
}

fn default_limit() -> u32 {
    20
}

/// A missing row under `/persons/:id` is a person.
pub(crate) fn no_person(error: db::Error) -> ApiError {
    match error {
        db::Error::NotFound => ApiError::NotFound("person"),
        error => error.into(),
    }
}
