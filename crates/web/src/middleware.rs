//! The middleware of every route. Each middleware is a function that calls the next function, because poem's own
//! middleware copies and boxes each request. The request id and the log come first, and the limits come last.

mod headers;
mod request_id;
mod request_logging;
mod strict;

use std::future::Future;

use config::ServerConfig;
use poem::{Body, Request, Response, Result, error::ReadBodyError, http::header};
use tokio::time::timeout;

use crate::error::ApiError;
pub use headers::PAGE_POLICY;
pub(crate) use headers::{DEFAULTS, DOCS_POLICY, add_headers};
pub(crate) use request_id::RequestId;
pub(crate) use request_logging::log_request;

/// Rejects ambiguous requests, and limits the time of a request and the time and size of its body.
pub(crate) async fn limit<F: Future<Output = Result<Response>>>(
    mut request: Request,
    limits: &ServerConfig,
    next: impl FnOnce(Request) -> F,
) -> Result<Response> {
    strict::check(&request)?;
    let announced = request.header(header::CONTENT_LENGTH).and_then(|text| text.parse().ok());
    if announced.is_some_and(|length: usize| length > limits.body_limit) {
        return Err(ReadBodyError::PayloadTooLarge.into());
    }
    let body = request.take_body();
    if !body.is_empty() {
        // Boxed, because it contains a buffer that most requests do not need.
        let body = Box::pin(body.into_bytes_limit(limits.body_limit));
        let body = timeout(limits.body_timeout, body).await.map_err(|_| ApiError::SlowBody)??;
        request.set_body(Body::from(body));
    }
    timeout(limits.request_timeout, next(request)).await.map_err(|_| ApiError::Timeout)?
}
