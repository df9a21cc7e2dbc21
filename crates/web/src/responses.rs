//! Responses that several resources share.

use std::collections::HashMap;

use bytes::Bytes;
use poem::{
    IntoResponse, Response,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
};
use poem_openapi::ApiResponse;
use store::idempotency_keys::StoredResponse;

use crate::error::ApiError;

/// The response to a deletion.
#[derive(ApiResponse)]
pub enum DeletedResponse {
    /// Deleted
    #[oai(status = 204)]
    Deleted,
}

/// The status, the headers and the bytes of a response.
pub(crate) struct RawResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl RawResponse {
    /// Reads a response whose body is in memory.
    pub(crate) async fn read(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let body = body.into_bytes().await.expect("the body is in memory");
        Self { status: parts.status, headers: parts.headers, body }
    }

    /// Returns the response as it is stored.
    ///
    /// # Panics
    /// Panics if the body or a header is not text.
    pub(crate) fn save(&self) -> StoredResponse {
        let header = |(name, value): (&HeaderName, &HeaderValue)| {
            (name.to_string(), value.to_str().expect("headers are ASCII").to_owned())
        };
        let headers: HashMap<_, _> = self.headers.iter().map(header).collect();
        StoredResponse {
            status: self.status.as_u16(),
            headers: serde_json::to_string(&headers).expect("the keys are strings"),
            body: std::str::from_utf8(&self.body).expect("the body is JSON").to_owned(),
        }
    }

    /// Reads a stored response.
    ///
    /// # Errors
    /// Returns [`ApiError::StoredResponse`] if the status or a header is not valid.
    pub(crate) fn restore(stored: StoredResponse) -> Result<Self, ApiError> {
        let StoredResponse { status, headers, body } = stored;
        let headers: HashMap<String, String> =
            serde_json::from_str(&headers).map_err(|_| ApiError::StoredResponse)?;
        let headers = HeaderMap::try_from(&headers).map_err(|_| ApiError::StoredResponse)?;
        let status = StatusCode::from_u16(status).map_err(|_| ApiError::StoredResponse)?;
        Ok(Self { status, headers, body: body.into() })
    }
}

impl IntoResponse for RawResponse {
    fn into_response(self) -> Response {
        let mut response = Response::builder().status(self.status).body(self.body);
        *response.headers_mut() = self.headers;
        response
    }
}
