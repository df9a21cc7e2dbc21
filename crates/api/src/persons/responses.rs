//! The answers of the operations on persons, with their headers.

use poem_openapi::ApiResponse;

use super::types::{Person, PersonPage};
use crate::{etag::ETag, json::Json};

#[derive(ApiResponse)]
pub(crate) enum PersonsResponse {
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
pub(crate) enum CreatePersonResponse {
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
pub(crate) enum GetPersonResponse {
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
pub(crate) enum PersonResponse {
    /// The person as stored
    #[oai(status = 200)]
    Stored(
        Json<Person>,
        /// The person's version.
        #[oai(header = "ETag")]
        ETag,
    ),
}
