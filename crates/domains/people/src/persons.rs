//! The person resource: its fields, queries and operations.

use poem_openapi::{
    Object, OpenApi, Tags,
    param::{Header, Path, Query},
    types::Example,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use web::{
    AppState, audited,
    auth::{Admin, Reader, Writer},
    columns,
    error::ApiError,
    filters,
    json::Json,
    resource::{
        Created, Deleted, Fetched, Listed, Patch, Queries, Resource, Updated, default_limit,
    },
    text::{EmailAddress, IdempotencyKey, Line, Search, deduplicate},
};

/// The writable fields of a person.
#[derive(Debug, Serialize, Deserialize, Object)]
#[oai(skip_serializing_if_is_none, example)]
pub(crate) struct CreatePerson {
    /// The full name.
    name: Line<200>,
    /// The name that friends use.
    #[serde(skip_serializing_if = "Option::is_none")]
    nickname: Option<Line<50>>,
    /// The e-mail addresses, stored in lower case and without duplicates.
    #[oai(validator(min_items = 1, max_items = 20))]
    #[serde(deserialize_with = "deduplicate")]
    emails: Vec<EmailAddress>,
}

columns!(CreatePerson: name, nickname, emails);

impl Example for CreatePerson {
    fn example() -> Self {
        Self {
            name: Line("Ada Lovelace".to_owned()),
            nickname: Some(Line("Ada".to_owned())),
            emails: vec![EmailAddress("ada@example.com".to_owned())],
        }
    }
}

static QUERIES: Queries = Queries {
    name: "person",
    table: "persons",
    list: "-- persons.list
        SELECT id, name, nickname, emails, version, created_at, updated_at
        FROM persons
        WHERE id > $1
        ORDER BY id LIMIT (SELECT $2::int)",
    search: Some(
        "-- persons.search
        SELECT id, name, nickname, emails, version, created_at, updated_at
        FROM persons
        WHERE ($1::text IS NULL OR emails @> ARRAY[$1])
            AND ($2::text IS NULL
                OR to_tsvector('simple', name || ' ' || coalesce(nickname, '')) @@ websearch_to_tsquery('simple', $2))
            AND id > $3
        ORDER BY id
        LIMIT $4::int",
    ),
    find: "-- persons.find
        SELECT id, name, nickname, emails, version, created_at, updated_at
        FROM persons WHERE id = ANY ((SELECT $1::uuid[])::uuid[])",
    insert: audited!(
        2,
        "-- persons.insert
        INSERT INTO persons (id, name, nickname, emails)
        SELECT id, name, nickname, emails FROM jsonb_populate_recordset(NULL::persons, $1)
        RETURNING id, name, nickname, emails, version, created_at, updated_at"
    ),
    update: audited!(
        4,
        "-- persons.update
        UPDATE persons SET (name, nickname, emails, version, updated_at) = (
            SELECT name, nickname, emails, persons.version + 1, now()
            FROM jsonb_populate_record(persons.*, $1)
        )
        WHERE id = $2 AND ($3::int[] IS NULL OR version = ANY ($3))
        RETURNING id, name, nickname, emails, version, created_at, updated_at"
    ),
    delete: audited!(
        3,
        "-- persons.delete
        DELETE FROM persons
        WHERE id = $1 AND ($2::int[] IS NULL OR version = ANY ($2))
        RETURNING id"
    ),
    ..Queries::DEFAULT
};

pub(crate) struct Persons(Resource<CreatePerson>);

impl Persons {
    pub(crate) fn new(state: &AppState) -> Self {
        Self(Resource::new(&state.database, &QUERIES, "/persons"))
    }
}

#[derive(Tags)]
pub(crate) enum Tag {
    /// People and their e-mail addresses.
    Persons,
}

#[OpenApi(tag = "Tag::Persons")]
impl Persons {
    /// List persons
    ///
    /// Returns a page of persons, oldest first. Pass its `next` value as `cursor` to get the next page.
    #[oai(path = "/persons", method = "get", operation_id = "listPersons")]
    async fn list(
        &self,
        _caller: Reader,
        /// The maximum number of persons to return.
        #[oai(default = "default_limit", validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<u32>,
        /// The `next` value of the previous page.
        cursor: Query<Option<Uuid>>,
        /// Return only persons with this e-mail address. Letter case is ignored.
        email: Query<Option<EmailAddress>>,
        /// Return only persons that match this search. Supports words, "phrases", OR and -exclusions.
        q: Query<Option<Search<1, 200>>>,
    ) -> Result<Listed<CreatePerson>, ApiError> {
        self.0.list(cursor.0, limit.0, filters![email.0, q.0]).await
    }

    /// Create a person
    ///
    /// Returns the person with its id and version.
    #[oai(path = "/persons", method = "post", operation_id = "createPerson")]
    async fn create(
        &self,
        caller: Writer,
        /// A repeated request with the same key returns the first response and creates nothing.
        #[oai(name = "Idempotency-Key")]
        key: Header<Option<IdempotencyKey>>,
        body: Json<CreatePerson>,
    ) -> Result<Created<CreatePerson>, ApiError> {
        self.0.create(caller.by("createPerson"), key.0, &body.0).await
    }

    /// Get a person
    ///
    /// Returns the person. The `ETag` header holds its version.
    #[oai(path = "/persons/:id", method = "get", operation_id = "getPerson")]
    async fn get(
        &self,
        _caller: Reader,
        /// The id of the person.
        id: Path<Uuid>,
        /// Return 304 if the person still has this ETag.
        #[oai(name = "If-None-Match")]
        if_none_match: Header<Option<String>>,
    ) -> Result<Fetched<CreatePerson>, ApiError> {
        self.0.get(id.0, if_none_match.0).await
    }

    /// Replace a person
    ///
    /// Replaces all fields. Optional fields missing from the body are removed.
    #[oai(path = "/persons/:id", method = "put", operation_id = "replacePerson")]
    async fn replace(
        &self,
        caller: Writer,
        /// The id of the person.
        id: Path<Uuid>,
        /// Replace the person only if it still has this ETag.
        #[oai(name = "If-Match")]
        if_match: Header<Option<String>>,
        body: Json<CreatePerson>,
    ) -> Result<Updated<CreatePerson>, ApiError> {
        self.0.replace(caller.by("replacePerson"), id.0, if_match.0, &body.0).await
    }

    /// Update a person
    ///
    /// Applies a JSON merge patch (RFC 7396). Fields missing from the body keep their values, and `null` removes an
    /// optional field.
    #[oai(path = "/persons/:id", method = "patch", operation_id = "updatePerson")]
    async fn update(
        &self,
        caller: Writer,
        /// The id of the person.
        id: Path<Uuid>,
        /// Update the person only if it still has this ETag.
        #[oai(name = "If-Match")]
        if_match: Header<Option<String>>,
        body: Json<Patch<CreatePerson>>,
    ) -> Result<Updated<CreatePerson>, ApiError> {
        self.0.update(caller.by("updatePerson"), id.0, if_match.0, body.0).await
    }

    /// Delete a person
    ///
    /// Requires the `admin` role.
    #[oai(path = "/persons/:id", method = "delete", operation_id = "deletePerson")]
    async fn delete(
        &self,
        caller: Admin,
        /// The id of the person.
        id: Path<Uuid>,
        /// Delete the person only if it still has this ETag.
        #[oai(name = "If-Match")]
        if_match: Header<Option<String>>,
    ) -> Result<Deleted<CreatePerson>, ApiError> {
        self.0.delete(caller.by("deletePerson"), id.0, if_match.0).await
    }
}
