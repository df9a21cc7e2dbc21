//! The layers around every route: limits on the inside, request id and log on the outside.

use std::{sync::Arc, time::Instant};

use config::ServerConfig;
use poem::{
    Body, Endpoint, IntoResponse, PathPattern, Request, Response, Result,
    error::ReadBodyError,
    http::{HeaderValue, header},
};
use tracing::Instrument;
use uuid::Uuid;

use crate::error::{self, ApiError};

const REQUEST_ID: &str = "x-request-id";

/// Bounds the request: its time, and the size of its body whether announced or not.
pub(crate) async fn limit<E: Endpoint>(
    next: Arc<E>,
    mut request: Request,
    limits: ServerConfig,
) -> Result<Response> {
    let work = async {
        let announced = request.header(header::CONTENT_LENGTH).and_then(|text| text.parse().ok());
        if announced.is_some_and(|length: usize| length > limits.body_limit) {
            return Err(ReadBodyError::PayloadTooLarge.into());
        }
        let body = request.take_body().into_bytes_limit(limits.body_limit).await?;
        request.set_body(Body::from(body));
        next.call(request).await.map(IntoResponse::into_response)
    };
    let answered = tokio::time::timeout(limits.request_timeout, work).await;
    answered.unwrap_or_else(|_| Err(ApiError::Timeout.into()))
}

/// Names the request, turns errors into answers and writes one line to the log.
pub(crate) async fn observe<E: Endpoint>(next: Arc<E>, request: Request) -> Result<Response> {
    let started = Instant::now();
    let id = request_id(&request);
    let method = request.method().clone();
    let span = tracing::info_span!("request", %id);
    async {
        let answered = next.call(request).await;
        let (mut response, route) = match answered {
            Ok(answer) => {
                let response = answer.into_response();
                let route = response.data::<PathPattern>().cloned();
                (response, route)
            }
            Err(error) => (error::respond(&error, &id), error.data::<PathPattern>().cloned()),
        };
        let value = HeaderValue::from_str(&id).expect("ids are visible ASCII");
        response.headers_mut().insert(REQUEST_ID, value);
        // The pattern, not the path: a path may hold what does not belong in a log.
        let route = route.as_ref().map_or("", |pattern| &pattern.0);
        // A probe that finds all well, every second or two, is no news.
        if !(route.starts_with("/health/") && response.is_success()) {
            let status = response.status().as_u16();
            let microseconds = started.elapsed().as_micros();
            tracing::info!(%method, route, status, microseconds, "answered");
        }
        Ok(response)
    }
    .instrument(span)
    .await
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
