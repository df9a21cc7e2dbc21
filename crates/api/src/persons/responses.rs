//! The answers of the operations on persons, with their headers.

use db::persons as rows;
use poem_openapi::ApiResponse;
use web::{
    etag::ETag,
    json::{self, Json, Written},
};

use super::types::{Person, PersonPage, cursor};

/// The page as JSON, and the cursor of the one after it.
pub(super) fn page(order: &rows::Order, found: Vec<rows::Person>, has_next: bool) -> rows::Page {
    let next = found.last().filter(|_| has_next).map(|last| cursor::write(order, last));
    let items = found.into_iter().map(Person::from).collect();
    let page = PersonPage { items, next };
    rows::Page { body: json::write(&page), next: page.next }
}

#[derive(ApiResponse)]
pub(crate) enum PersonsResponse {
    /// A page of persons
    #[oai(status = 200)]
    Page(
        Written<PersonPage>,
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
