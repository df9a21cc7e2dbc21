//! Rules for every error response.

use reqwest::Response;
use serde_json::Value;

/// Words from the implementation that must not appear in responses.
const INNER: [&str; 6] = ["SELECT", "INSERT", "postgres", "tokio", "SQLSTATE", "connection"];

/// Returns the body of a response that must be an RFC 9457 problem with this status.
pub(crate) async fn problem(response: Response, status: u16) -> Value {
    let headers = response.headers().clone();
    assert_eq!(response.status().as_u16(), status);
    assert_eq!(headers["content-type"], "application/problem+json");
    assert!(headers.contains_key("x-request-id"), "{headers:?}");
    assert_eq!(headers.contains_key("retry-after"), [429, 503].contains(&status), "{headers:?}");
    assert_eq!(headers.contains_key("www-authenticate"), status == 401, "{headers:?}");
    let text = response.text().await.expect("a body");
    assert!(!INNER.iter().any(|word| text.contains(word)), "{text}");
    let body: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(body["status"], status);
    body
}
