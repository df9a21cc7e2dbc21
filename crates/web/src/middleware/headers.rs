//! Security headers and CORS, on every response.

use std::future::Future;

use poem::{
    Request, Response,
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
};

/// The policy of the Swagger UI page, which contains its script and style.
pub(crate) const DOCS_POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; \
    style-src 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";
/// The policy of the landing page, which also connects to the event stream.
pub const PAGE_POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; \
    style-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The headers of every response unless its handler sets them. Strict-Transport-Security is missing, because it belongs
/// to the TLS proxy.
pub(crate) const DEFAULTS: [(HeaderName, &str); 5] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
];

/// The headers that other origins may send and read, in addition to the headers that browsers always allow.
const MAY_SEND: &str = "authorization, content-type, idempotency-key, if-match, if-none-match, \
    traceparent, x-request-id";
const MAY_READ: &str = "allow, etag, link, location, ratelimit, ratelimit-policy, \
    retry-after, x-request-id";
/// The seconds for which a browser may cache a preflight response.
const PREFLIGHT_MAX_AGE: &str = "600";

/// Adds [`DEFAULTS`], and the CORS headers for pages of `origins`. The API does not use cookies, so credentials are
/// never allowed.
pub(crate) async fn add_headers<F: Future<Output = Response>>(
    request: Request,
    origins: &[String],
    next: impl FnOnce(Request) -> F,
) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let is_preflight = is_preflight(&request);
    let mut response = next(request).await;
    let headers = response.headers_mut();
    for (name, value) in DEFAULTS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if !origins.is_empty() {
        // `Vary` is also needed without an origin. Otherwise a cache would use this response for requests with an
        // origin.
        headers.append(header::VARY, HeaderValue::from_static("origin"));
        let origin =
            origin.filter(|origin| origins.iter().any(|allowed| origin == allowed.as_str()));
        if let Some(origin) = origin {
            allow(headers, origin, is_preflight);
        }
    }
    response
}

/// Returns true if a browser sends the request before a request to another origin.
pub(crate) fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

fn allow(headers: &mut HeaderMap, origin: HeaderValue, is_preflight: bool) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    if !is_preflight {
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(MAY_READ));
        return;
    }
    // The response for an unknown path does not have an `Allow` header.
    if let Some(methods) = headers.get(header::ALLOW).cloned() {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(MAY_SEND));
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(PREFLIGHT_MAX_AGE));
    }
}
