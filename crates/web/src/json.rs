//! JSON bodies: requests are validated against their schema, and responses are serialized directly to bytes.
//! poem-openapi's own payload stops at the first error, repeats values in errors, and converts through a
//! `serde_json::Value` in both directions.

use std::{borrow::Cow, marker::PhantomData};

use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture};
use poem::{
    Body, IntoResponse, Request, RequestBody, Response,
    http::{Method, StatusCode, header},
};
use poem_openapi::{
    ApiResponse,
    error::ContentTypeError,
    impl_apirequest_for_payload,
    payload::{ParsePayload, Payload},
    registry::{MetaMediaType, MetaResponse, MetaResponses, MetaSchemaRef, Registry},
    types::Type,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{error::ApiError, validation};

/// A JSON body.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: Type> Payload for Json<T> {
    const CONTENT_TYPE: &'static str = "application/json";

    fn check_content_type(content_type: &str) -> bool {
        is(content_type, Self::CONTENT_TYPE) || is(content_type, "application/merge-patch+json")
    }

    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: Type + DeserializeOwned> ParsePayload for Json<T> {
    const IS_REQUIRED: bool = true;

    async fn from_request(request: &Request, body: &mut RequestBody) -> poem::Result<Self> {
        let value = read(request, body, T::name()).await?;
        // The schema has validated the structure, but some formats, such as dates, are checked only here.
        let value = T::deserialize(value).map_err(|_| ApiError::invalid_format())?;
        Ok(Self(value))
    }
}

/// Returns the body if it matches the schema with this name. Not generic, so that it is compiled once.
fn read<'a>(
    request: &'a Request,
    body: &'a mut RequestBody,
    schema: Cow<'static, str>,
) -> BoxFuture<'a, poem::Result<Value>> {
    let json = "application/json";
    async move {
        let content_type = request.content_type().unwrap_or_default();
        // PATCH also accepts application/merge-patch+json.
        if request.method() != Method::PATCH && !is(content_type, json) {
            let content_type = content_type.to_owned();
            return Err(ContentTypeError::NotSupported { content_type }.into());
        }
        let encoding = request.headers().get(header::CONTENT_ENCODING);
        if encoding.is_some_and(|it| !it.as_bytes().eq_ignore_ascii_case(b"identity")) {
            return Err(ApiError::Encoded.into());
        }
        let bytes = body.take()?.into_bytes().await?;
        let mut value =
            serde_json::from_slice(&bytes).map_err(|error| ApiError::malformed(&bytes, &error))?;
        validation::check(&schema, &value)?;
        write_whole_numbers_as_such(&mut value);
        Ok(value)
    }
    .boxed()
}

/// Converts numbers such as `1.0`, which are integers in JSON Schema but not in serde.
fn write_whole_numbers_as_such(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            let whole = number
                .as_f64()
                .filter(|it| it.fract() == 0.0 && it.abs() < 9_007_199_254_740_992.0);
            if let Some(whole) = whole {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "an integer within the range of i64"
                )]
                let whole = whole as i64;
                *number = whole.into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(write_whole_numbers_as_such),
        Value::Object(fields) => fields.values_mut().for_each(write_whole_numbers_as_such),
        _ => {}
    }
}

impl_apirequest_for_payload!(Json<T>, T: Type + DeserializeOwned);

impl<T: Serialize + Send> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(bytes) => respond(bytes),
            Err(error) => {
                tracing::error!(%error, "cannot serialize a response as JSON");
                StatusCode::INTERNAL_SERVER_ERROR.into()
            }
        }
    }
}

/// A JSON body that [`write()`] has already serialized from a `T`.
#[derive(Debug)]
pub struct Written<T> {
    bytes: Bytes,
    of: PhantomData<fn(T)>,
}

impl<T> Written<T> {
    /// Creates a body from serialized JSON.
    pub fn new(bytes: Bytes) -> Self {
        Self { bytes, of: PhantomData }
    }
}

/// Serializes a value as JSON.
///
/// # Panics
/// Panics if the value contains a map whose keys are not strings.
pub fn write(value: &impl Serialize) -> Bytes {
    serde_json::to_vec(value).expect("the keys of maps are strings").into()
}

impl<T: Type> Payload for Written<T> {
    const CONTENT_TYPE: &'static str = Json::<T>::CONTENT_TYPE;

    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: Send> IntoResponse for Written<T> {
    fn into_response(self) -> Response {
        respond(self.bytes)
    }
}

fn respond(body: impl Into<Body>) -> Response {
    Response::builder().content_type("application/json").body(body)
}

/// Compares a content type with a media type, ignoring parameters.
fn is(content_type: &str, media_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case(media_type)
}

impl<T: Type> ApiResponse for Json<T> {
    fn meta() -> MetaResponses {
        MetaResponses {
            responses: vec![MetaResponse {
                description: "",
                status: Some(200),
                status_range: None,
                content: vec![MetaMediaType {
                    content_type: Self::CONTENT_TYPE,
                    schema: Self::schema_ref(),
                }],
                headers: Vec::new(),
            }],
        }
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}
