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
    text::{EmailAddress, IdempotencyKey, Line, Search},
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
    /// The e-mail addresses, without duplicates. Letter case is ignored.
    #[oai(validator(min_items = 1, max_items = 20))]
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
        SELECT id, name, nickname, version, created_at, updated_at,
            ARRAY(SELECT address FROM emails WHERE person_id = persons.id ORDER BY position, id) AS emails
        FROM persons
        WHERE id > $1
        ORDER BY id
        LIMIT (SELECT $2::int)",
    search: Some(
        "-- persons.search
        SELECT id, name, nickname, version, created_at, updated_at,
            ARRAY(SELECT address FROM emails WHERE person_id = persons.id ORDER BY position, id) AS emails
        FROM persons
        WHERE ($1::text IS NULL
                OR id IN (SELECT person_id FROM emails WHERE lower(address) = lower($1)))
            AND ($2::text IS NULL
                OR to_tsvector('simple', name || ' ' || coalesce(nickname, '')) @@ websearch_to_tsquery('simple', $2))
            AND id > $3
        ORDER BY id
        LIMIT $4::int",
    ),
    find: "-- persons.find
        SELECT id, name, nickname, version, created_at, updated_at,
            ARRAY(SELECT address FROM emails WHERE person_id = persons.id ORDER BY position, id) AS emails
        FROM persons
        WHERE id = ANY ((SELECT $1::uuid[])::uuid[])",
    insert: audited!(
        2,
        with: "changed AS (
            -- persons.insert
            INSERT INTO persons (id, name, nickname)
            SELECT id, name, nickname FROM jsonb_populate_recordset(NULL::persons, $1)
            RETURNING id, name, nickname, version, created_at, updated_at
        ), given AS (
            SELECT (person ->> 'id')::uuid AS person_id, address, position
            FROM jsonb_array_elements($1) AS person,
                jsonb_array_elements_text(person -> 'emails') WITH ORDINALITY AS email (address, position)
        ), added AS (
            INSERT INTO emails (person_id, address, position)
            SELECT person_id, address, position FROM given
        )",
        select: "SELECT *, ARRAY(SELECT address FROM given WHERE person_id = id ORDER BY position) AS emails
        FROM changed"
    ),
    // The subquery on `version` excludes a row that another transaction changed after this query began, because its
    // addresses could be stale. The resource kit then repeats the query.
    update: audited!(
        4,
        with: "changed AS (
            -- persons.update
            UPDATE persons SET (name, nickname, version, updated_at) = (
                SELECT name, nickname, persons.version + 1, now()
                FROM jsonb_populate_record(persons.*, $1)
            )
            WHERE id = $2 AND ($3::int[] IS NULL OR version = ANY ($3))
                AND version = (SELECT version FROM persons AS seen WHERE seen.id = $2)
            RETURNING id, name, nickname, version, created_at, updated_at
        ), given AS (
            SELECT address, position
            FROM changed, jsonb_array_elements_text($1 -> 'emails') WITH ORDINALITY AS email (address, position)
        ), removed AS (
            DELETE FROM emails USING changed WHERE person_id = changed.id AND $1 ? 'emails'
            RETURNING emails.id
        ), added AS (
            INSERT INTO emails (person_id, address, position)
            SELECT changed.id, address, position FROM changed, given
            WHERE (SELECT count(*) FROM removed) >= 0
        )",
        select: "SELECT *, CASE WHEN $1 ? 'emails' THEN ARRAY(SELECT address FROM given ORDER BY position)
            ELSE ARRAY(SELECT address FROM emails WHERE person_id = changed.id ORDER BY position, id) END AS emails
        FROM changed"
    ),
    delete: audited!(
        3,
        "-- persons.delete
        DELETE FROM persons WHERE id = $1 AND ($2::int[] IS NULL OR version = ANY ($2))
        RETURNING id"
    ),
    constraints: &[("emails_person_id_address_key", "emails", "has an address twice")],
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
        email: Query<Option<Search<3, 254>>>,
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
    /// Returns the person with its e-mail addresses. The `ETag` header holds its version.
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
    /// Replaces all fields and the list of addresses. Optional fields missing from the body are removed.
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
    /// optional field. A list of addresses replaces the stored list.
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
    /// Deletes the person and its e-mail addresses. Requires the `admin` role.
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
