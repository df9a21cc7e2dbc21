//! The layers around every route: limits on the inside, request id and log on the outside. They are functions that are
//! given what is inside: poem's own layers each take the request apart and keep it once more, in a box of their own.

mod headers;
mod strict;

#[cfg(test)]
mod tests;

use std::{future::Future, panic::AssertUnwindSafe, sync::Arc, time::Instant};

use config::ServerConfig;
use futures_util::FutureExt;
use poem::{
    Body, Request, Response, Result,
    error::ReadBodyError,
    http::{HeaderValue, header},
};
use tokio::time::timeout;
use tracing::{Instrument, Span};
use uuid::Uuid;

use crate::{
    error::{self, ApiError},
    metrics::Metrics,
    paths::KnownPath,
};
pub use headers::PAGE_POLICY;
pub(crate) use headers::{DEFAULTS, DOCS_POLICY, add_headers};

const REQUEST_ID: &str = "x-request-id";

/// What names a request in log, traces and audit.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) Arc<str>);

impl RequestId {
    /// The one that [`observe`] gave to this request.
    pub(crate) fn of(request: &Request) -> Self {
        request.data::<Self>().expect("`observe` is around every route").clone()
    }
}

/// Refuses what is ambiguous, and bounds the request: its time, and the time and size of its body,
/// whether announced or not.
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
        // A box: it has a buffer of its own in it, which most requests do without.
        let body = Box::pin(body.into_bytes_limit(limits.body_limit));
        let body = timeout(limits.body_timeout, body).await.map_err(|_| ApiError::SlowBody)??;
        request.set_body(Body::from(body));
    }
    timeout(limits.request_timeout, next(request)).await.map_err(|_| ApiError::Timeout)?
}

/// Names the request, turns errors and panics into answers, counts, and writes a line to the log.
pub(crate) async fn observe<F: Future<Output = Result<Response>>>(
    mut request: Request,
    metrics: &Metrics,
    is_traced: bool,
    next: impl FnOnce(Request) -> F,
) -> Response {
    let (started, _in_flight) = (Instant::now(), metrics.begin());
    let (id, method) = (Arc::<str>::from(request_id(&request)), request.method().clone());
    request.set_data(RequestId(id.clone()));
    let trace_id = trace_id(&request).map(str::to_owned);
    let mut span = Span::none();
    if is_traced {
        span = tracing::info_span!("request", otel.kind = "server");
        telemetry::begin(&span, request.headers());
    }
    // A box: what follows would keep and move what is in it once more at each step.
    let answered = Box::pin(async {
        let (mut response, path) = answer(next(request), &id).await;
        let value = HeaderValue::from_str(&id).expect("ids are visible ASCII");
        response.headers_mut().insert(REQUEST_ID, value);
        // The path's name, not the path: that may hold what does not belong in a log.
        let route = path.as_ref().map_or("", |path| &path.name);
        let (status, took) = (response.status(), started.elapsed());
        metrics.answered(&method, route, status, took);
        if is_traced {
            telemetry::end(&Span::current(), &method, route, status, &id);
        }
        // A probe that finds all well, every second or two, is no news.
        if !(route.starts_with("/health/") && response.is_success()) {
            let (status, microseconds) =
                (status.as_u16(), u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
            tracing::info!(%method, route, status, microseconds, "answered");
        }
        response
    });
    telemetry::during(id.clone(), trace_id, answered.instrument(span)).await
}

/// The answer, whatever happens, and the path that was asked.
async fn answer(
    next: impl Future<Output = Result<Response>>,
    id: &str,
) -> (Response, Option<KnownPath>) {
    // What a panic may have left half-changed went with the request.
    match AssertUnwindSafe(next).catch_unwind().await {
        Ok(Ok(response)) => {
            let path = response.data::<KnownPath>().cloned();
            (response, path)
        }
        Ok(Err(error)) => (error::respond(&error, id), error.data::<KnownPath>().cloned()),
        Err(_) => (error::panicked(id), None),
    }
}

/// The client's own id if it is one that is safe to log, else a new one.
fn request_id(request: &Request) -> String {
    let is_safe = |id: &&str| {
        (1..=64).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    request
        .header(REQUEST_ID)
        .filter(is_safe)
        .map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}

/// The trace that the client says this request is a part of (W3C Trace Context).
fn trace_id(request: &Request) -> Option<&str> {
    let is_id = |text: &str, length: usize| {
        text.len() == length
            && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            && text.bytes().any(|byte| byte != b'0')
    };
    let mut parts = request.header("traceparent")?.split('-');
    let (version, trace, parent) = (parts.next()?, parts.next()?, parts.next()?);
    let flags = parts.next()?;
    // A later version may have further parts, and 00 has none.
    let is_version = version == "00" && parts.next().is_none() || is_id(version, 2);
    let is_valid = is_version && version != "ff" && is_id(trace, 32) && is_id(parent, 16);
    (is_valid && flags.len() == 2).then_some(trace)
}
