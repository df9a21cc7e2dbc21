//! Request logging: one log line, one metric and one span for each request.

use std::{future::Future, panic::AssertUnwindSafe, sync::Arc, time::Instant};

use futures_util::FutureExt;
use poem::{Request, Response, Result, http::HeaderValue};
use tracing::{Instrument, Span};

use super::request_id::{REQUEST_ID, RequestId, request_id};
use crate::{error, metrics::Metrics, paths::KnownPath, telemetry};

/// Sets the request id, converts errors and panics into responses, records metrics and logs one line.
pub(crate) async fn log_request<F: Future<Output = Result<Response>>>(
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
        span = tracing::info_span!(
            "request",
            otel.kind = "server",
            "http.request.header.x-request-id" = %id
        );
        telemetry::set_parent(&span, request.headers());
    }
    // Boxing this large future makes moving it cheap.
    let response = Box::pin(async {
        let (mut response, path) = respond(next(request), &id).await;
        let value = HeaderValue::from_str(&id).expect("ids are visible ASCII");
        response.headers_mut().insert(REQUEST_ID, value);
        // Logs the route, because the path may contain personal data.
        let route = path.as_ref().map_or("", |path| &path.name);
        let (status, took) = (response.status(), started.elapsed());
        metrics.record(&method, route, status, took);
        if is_traced {
            telemetry::record_response(&Span::current(), &method, route, status);
        }
        // Successful health checks are not logged.
        if !(route.starts_with("/health/") && response.is_success()) {
            let (status, microseconds) =
                (status.as_u16(), u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
            tracing::info!(%method, route, status, microseconds, "answered");
        }
        response
    });
    telemetry::with_request(id.clone(), trace_id, response.instrument(span)).await
}

/// Returns the response, also after an error or a panic, and the path of the request.
async fn respond(
    next: impl Future<Output = Result<Response>>,
    id: &str,
) -> (Response, Option<KnownPath>) {
    // `AssertUnwindSafe` is correct, because requests do not share state that a panic could leave half-changed.
    match AssertUnwindSafe(next).catch_unwind().await {
        Ok(Ok(response)) => {
            let path = response.data::<KnownPath>().cloned();
            (response, path)
        }
        Ok(Err(error)) => (error::respond(&error, id), error.data::<KnownPath>().cloned()),
        Err(_) => (error::panicked(id), None),
    }
}

/// Returns the id of the trace in the client's `traceparent` header (W3C Trace Context).
fn trace_id(request: &Request) -> Option<&str> {
    let is_id = |text: &str, length: usize| {
        text.len() == length
            && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            && text.bytes().any(|byte| byte != b'0')
    };
    let mut parts = request.header("traceparent")?.split('-');
    let (version, trace, parent) = (parts.next()?, parts.next()?, parts.next()?);
    let flags = parts.next()?;
    // In version 00, the header has exactly four parts. Later versions may have more.
    let is_version = version == "00" && parts.next().is_none() || is_id(version, 2);
    let is_valid = is_version && version != "ff" && is_id(trace, 32) && is_id(parent, 16);
    (is_valid && flags.len() == 2).then_some(trace)
}

#[cfg(test)]
mod tests;
