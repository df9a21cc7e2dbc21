//! The responses of the operations, with their headers. The type `T` is needed only for the OpenAPI document, because
//! the response itself is bytes.

use std::{
    collections::HashSet,
    marker::PhantomData,
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;
use poem::{
    IntoResponse, Response,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
};
use poem_openapi::{
    ApiResponse,
    registry::{MetaHeader, MetaMediaType, MetaResponse, MetaResponses, MetaSchemaRef, Registry},
    types::Type,
};
use uuid::Uuid;

use super::{
    Fields,
    schemas::{Page, Stored, words},
};
use crate::{etag::ETag, responses::RawResponse};

/// A response, without the type of its resource.
pub struct Reply {
    response: RawResponse,
    next: Option<Uuid>,
}

/// The cursor of the next page. The server creates the `Link` header from this cursor and the URL of the request.
#[derive(Clone, Copy)]
pub struct NextPage(pub Uuid);

impl Reply {
    pub(super) fn new(status: StatusCode, body: Bytes) -> Self {
        let mut headers = HeaderMap::new();
        if !body.is_empty() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        RawResponse { status, headers, body }.into()
    }

    pub(super) fn not_modified(etag: ETag) -> Self {
        Self::new(StatusCode::NOT_MODIFIED, Bytes::new()).with_etag(etag)
    }

    pub(super) fn no_content() -> Self {
        Self::new(StatusCode::NO_CONTENT, Bytes::new())
    }

    pub(super) fn with_etag(self, etag: ETag) -> Self {
        self.with(header::ETAG, &etag.to_string())
    }

    pub(super) fn with_location(self, location: &str) -> Self {
        self.with(header::LOCATION, location)
    }

    fn with(mut self, name: HeaderName, value: &str) -> Self {
        let value = HeaderValue::from_str(value).expect("paths and tags are ASCII");
        self.response.headers.insert(name, value);
        self
    }

    pub(super) fn with_next(self, next: Option<Uuid>) -> Self {
        Self { next, ..self }
    }

    pub(super) fn raw(&self) -> &RawResponse {
        &self.response
    }
}

impl From<RawResponse> for Reply {
    fn from(response: RawResponse) -> Self {
        Self { response, next: None }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = self.response.into_response();
        if let Some(next) = self.next {
            response.extensions_mut().insert(NextPage(next));
        }
        response
    }
}

/// Leaks a text of the OpenAPI document, because poem-openapi requires `&'static str`. Each text is leaked once.
fn keep(text: String) -> &'static str {
    static KEPT: Mutex<Option<HashSet<&'static str>>> = Mutex::new(None);
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let kept = kept.get_or_insert_default();
    if let Some(known) = kept.get(text.as_str()) {
        return known;
    }
    let text: &'static str = text.leak();
    kept.insert(text);
    text
}

fn etag(name: &str) -> MetaHeader {
    header("ETAG", format!("The version of the {name}."), true, ETag::schema_ref())
}

fn header(name: &str, description: String, required: bool, schema: MetaSchemaRef) -> MetaHeader {
    let description = Some(description);
    MetaHeader { name: name.to_owned(), description, required, deprecated: false, schema }
}

fn response(
    status: StatusCode,
    description: String,
    schema: Option<MetaSchemaRef>,
    headers: Vec<MetaHeader>,
) -> MetaResponse {
    let json = |schema| MetaMediaType { content_type: "application/json", schema };
    MetaResponse {
        description: keep(description),
        status: Some(status.as_u16()),
        status_range: None,
        content: schema.map(json).into_iter().collect(),
        headers,
    }
}

/// Returns a response with only the status 409, because `openapi::responses` describes all errors.
fn conflict() -> MetaResponse {
    response(StatusCode::CONFLICT, String::new(), None, Vec::new())
}

macro_rules! responses {
    ($(#[doc = $about:literal])* $name:ident, $schema:ident, $responses:expr) => {
        $(#[doc = $about])*
        pub struct $name<T>(Reply, PhantomData<fn() -> T>);

        impl<T> From<Reply> for $name<T> {
            fn from(answer: Reply) -> Self {
                Self(answer, PhantomData)
            }
        }

        impl<T> IntoResponse for $name<T> {
            fn into_response(self) -> Response {
                self.0.into_response()
            }
        }

        impl<T: Fields> ApiResponse for $name<T> {
            fn meta() -> MetaResponses {
                let responses: fn(&str, MetaSchemaRef) -> Vec<MetaResponse> = $responses;
                MetaResponses { responses: responses(&words::<T>(), $schema::<T>::schema_ref()) }
            }

            fn register(registry: &mut Registry) {
                $schema::<T>::register(registry);
            }
        }
    };
}

responses!(
    /// A page of items.
    Listed,
    Page,
    |name, page| {
        let link = "The URL of the next page (RFC 8288). Missing on the last page.".to_owned();
        let link = header("LINK", link, false, String::schema_ref());
        vec![response(StatusCode::OK, format!("A page of {name} items"), Some(page), vec![link])]
    }
);

responses!(
    /// An item that was created.
    Created,
    Stored,
    |name, stored| {
        let location = format!("The path of the {name}.");
        let location = header("LOCATION", location, true, String::schema_ref());
        let headers = vec![location, etag(name)];
        let created = format!("The {name} as stored");
        vec![response(StatusCode::CREATED, created, Some(stored), headers), conflict()]
    }
);

responses!(
    /// An item, or 304 if the client already has its current version.
    Fetched,
    Stored,
    |name, stored| {
        let known = format!("The {name} still has the version in `If-None-Match`");
        vec![
            response(StatusCode::OK, format!("The {name}"), Some(stored), vec![etag(name)]),
            response(StatusCode::NOT_MODIFIED, known, None, vec![etag(name)]),
        ]
    }
);

responses!(
    /// An item that was changed.
    Updated,
    Stored,
    |name, stored| {
        let updated = format!("The {name} as stored");
        vec![response(StatusCode::OK, updated, Some(stored), vec![etag(name)]), conflict()]
    }
);

responses!(
    /// The empty response to a deletion.
    Deleted,
    Stored,
    |name, _| {
        let deleted = format!("The {name} was deleted");
        vec![response(StatusCode::NO_CONTENT, deleted, None, Vec::new()), conflict()]
    }
);
