//! The middleware of every route. Each middleware is a function that calls the next function, because poem's own
//! middleware copies and boxes each request. The request id and the log come first, and the limits come last.

mod headers;
mod request_id;
mod request_logging;
mod strict;

use std::{future::Future, time::Duration};

use poem::{Request, Response, Result};
use tokio::time::timeout;

use crate::error::ApiError;
pub use headers::PAGE_POLICY;
pub(crate) use headers::{DEFAULTS, DOCS_POLICY, add_headers, is_preflight};
pub(crate) use request_id::RequestId;
pub(crate) use request_logging::log_request;
pub(crate) use strict::check as reject_ambiguous;

/// Limits the time in which a request is handled.
pub(crate) async fn limit_time<F: Future<Output = Result<Response>>>(
    request: Request,
    limit: Duration,
    next: impl FnOnce(Request) -> F,
) -> Result<Response> {
    timeout(limit, next(request)).await.map_err(|_| ApiError::Timeout)?
}
