//! What the operations on persons answer.

use poem_openapi::ApiResponse;

use super::types::{Person, PersonPage};
use crate::{etag::ETag, json::Json};

#[derive(ApiResponse)]
pub(super) enum PersonsResponse {
    /// A page of persons
    #[oai(status = 200)]
    Page(
        Json<PersonPage>,
        /// The next page, if there is one (RFC 8288).
        #[oai(header = "Link")]
        Option<String>,
    ),
}

#[derive(ApiResponse)]
pub(super) enum CreatePersonResponse {
    /// The person as stored
    #[oai(status = 201)]
    Created(
        Json<Person>,
        /// Where the person is found.
        #[oai(header = "Location")]
        String,
        /// The person's version.
        #[oai(header = "ETag")]
        ETag,
    ),
}

#[derive(ApiResponse)]
pub(super) enum GetPersonResponse {
    /// The person
    #[oai(status = 200)]
    Found(
        Json<Person>,
        /// The person's version.
        #[oai(header = "ETag")]
        ETag,
    ),
    /// The version that the client has is the newest
    #[oai(status = 304)]
    NotModified(
        /// The person's version.
        #[oai(header = "ETag")]
        ETag,
    ),
}

#[derive(ApiResponse)]
pub(super) enum PersonResponse {
    /// The person as stored
    #[oai(status = 200)]
    Stored(
        Json<Person>,
        /// The person's version.
        #[oai(header = "ETag")]
        ETag,
    ),
}

/// The answer with a person that was created.
pub(super) fn created(person: Person) -> CreatePersonResponse {
    let (location, etag) = (format!("/persons/{}", person.id), person.etag());
    CreatePersonResponse::Created(Json(person), location, etag)
}
