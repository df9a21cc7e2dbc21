//! Rejects ambiguous requests, which a proxy could interpret in another way than this server (request smuggling).

use percent_encoding::percent_decode_str;
use poem::{
    Request,
    http::{HeaderName, Version, header, uri::Authority},
};

use crate::error::ApiError;

/// Headers that may occur at most once and only in ASCII, because they determine the effect of a request.
const DECISIVE: [HeaderName; 6] = [
    header::HOST,
    header::AUTHORIZATION,
    header::CONTENT_TYPE,
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    HeaderName::from_static("idempotency-key"),
];

/// Checks a request.
///
/// # Errors
/// Returns [`ApiError::Ambiguous`] with the reason.
pub(crate) fn check(request: &Request) -> Result<(), ApiError> {
    let headers = request.headers();
    for name in &DECISIVE {
        let mut values = headers.get_all(name).iter();
        let is_readable = values.next().is_none_or(|value| value.to_str().is_ok());
        if !is_readable || values.next().is_some() {
            return Err(ApiError::Ambiguous("a header occurs twice or is not ASCII"));
        }
    }
    let host = request.header(header::HOST);
    let is_host = |host: &str| {
        host.is_empty() || host.parse::<Authority>().is_ok_and(|it| !it.as_str().contains('@'))
    };
    if !host.map_or(request.version() != Version::HTTP_11, is_host) {
        return Err(ApiError::Ambiguous("the Host header is missing or invalid"));
    }
    // hyper accepts any list that ends in `chunked`, but this server accepts only `chunked` itself.
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let is_chunked = codings.next().is_none_or(|it| it.as_bytes().eq_ignore_ascii_case(b"chunked"));
    if !is_chunked || codings.next().is_some() {
        return Err(ApiError::Ambiguous("the only supported Transfer-Encoding is chunked"));
    }
    let uri = request.uri();
    let is_utf8 = |text| percent_decode_str(text).decode_utf8().is_ok();
    if !is_utf8(uri.path()) || !uri.query().is_none_or(is_utf8) {
        return Err(ApiError::Ambiguous("the path or the query is not UTF-8"));
    }
    Ok(())
}
