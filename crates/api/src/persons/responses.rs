//! The answers of the operations on persons, with their headers.

use db::persons as rows;
use poem_openapi::ApiResponse;
use web::{
    etag::ETag,
    json::{Json, Written},
};

use super::types::{Person, PersonPage, cursor};

/// A page as it is sent, and the cursor of the one after it. Written once for all who wait for it.
#[derive(Clone)]
pub(crate) struct Page {
    pub(super) body: Written<PersonPage>,
    pub(super) next: Option<String>,
}

impl Page {
    pub(super) fn new(order: &rows::Order, found: Vec<rows::Person>, has_next: bool) -> Self {
        let next = found.last().filter(|_| has_next).map(|last| cursor::write(order, last));
        let items = found.into_iter().map(Person::from).collect();
        let page = PersonPage { items, next };
        Self { body: Written::new(&page), next: page.next }
    }
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
