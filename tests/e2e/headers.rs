//! Methods and headers: allowed methods, security headers of every response, and CORS.

use reqwest::{Response, header::HeaderMap};
use uuid::Uuid;

use crate::harness::{TestApp, problem};

const ALLOWED: &str = "https://app.example";

async fn send(app: &TestApp, method: &str, path: &str) -> Response {
    app.request(method, path).send().await.expect("a response")
}

/// Returns the value of a header, or an empty text.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
}

#[tokio::test]
async fn options_and_405_list_the_allowed_methods() {
    let app = TestApp::spawn().await;
    let person = format!("/persons/{}", Uuid::new_v4());
    for (path, some) in [
        ("/persons", "GET, HEAD, POST"),
        (&*person, "GET, HEAD"),
        ("/health/live", "GET, HEAD, OPTIONS"),
        ("/", "GET, HEAD, OPTIONS"),
        ("/docs", "GET, HEAD, OPTIONS"),
        ("/openapi.json", "GET, HEAD, OPTIONS"),
    ] {
        let options = send(&app, "OPTIONS", path).await;
        assert_eq!(options.status(), 204, "{path}");
        let allow = text(options.headers(), "allow").to_owned();
        assert!(some.split(", ").all(|method| allow.contains(method)), "{path}: {allow}");
        assert!(allow.ends_with("OPTIONS"), "{path}: {allow}");
        let rejected = send(&app, "TRACE", path).await;
        assert_eq!(text(rejected.headers(), "allow"), allow, "{path}");
        problem(rejected, 405).await;
    }
}

#[tokio::test]
async fn options_on_an_unknown_path_returns_404() {
    let app = TestApp::spawn_with(&[("APP_ENV", "production"), ("API_DOCS", "false")]).await;
    for path in ["/nowhere", "/persons/", "/", "/docs", "/openapi.json"] {
        problem(send(&app, "OPTIONS", path).await, 404).await;
    }
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let app = TestApp::spawn().await;
    for path in ["/persons", "/health/live", "/docs", "/nowhere"] {
        let (get, head) = (send(&app, "GET", path).await, send(&app, "HEAD", path).await);
        assert_eq!(head.status(), get.status(), "{path}");
        for name in ["content-type", "cache-control", "etag"] {
            assert_eq!(text(head.headers(), name), text(get.headers(), name), "{path}: {name}");
        }
        assert_eq!(head.text().await.expect("a body"), "", "{path}");
    }
}

#[tokio::test]
async fn every_response_has_security_headers() {
    let app = TestApp::spawn().await;
    let database = app.database.connect().await;
    database
        .batch_execute("ALTER TABLE persons RENAME COLUMN name TO renamed")
        .await
        .expect("done");
    for (method, path, status) in [
        ("GET", "/health/live", 200),
        ("GET", "/docs", 200),
        ("GET", "/", 200),
        ("OPTIONS", "/persons", 204),
        ("GET", "/nowhere", 404),
        ("DELETE", "/persons", 405),
        ("GET", "/persons", 500),
    ] {
        let response = send(&app, method, path).await;
        assert_eq!(response.status(), status, "{path}");
        let headers = response.headers();
        assert_eq!(text(headers, "x-content-type-options"), "nosniff", "{path}");
        assert_eq!(text(headers, "x-frame-options"), "DENY", "{path}");
        assert_eq!(text(headers, "referrer-policy"), "no-referrer", "{path}");
        assert_eq!(text(headers, "cache-control"), "no-store", "{path}");
        assert!(!text(headers, "x-request-id").is_empty(), "{path}");
        assert!(!headers.contains_key("server"), "{path}");
        let policy = text(headers, "content-security-policy");
        assert!(policy.starts_with("default-src 'none'; "), "{path}: {policy}");
        assert!(policy.ends_with("frame-ancestors 'none'"), "{path}: {policy}");
        assert_eq!(
            policy.contains("script-src"),
            ["/docs", "/"].contains(&path),
            "{path}: {policy}"
        );
    }
}

#[tokio::test]
async fn cors_is_disabled_by_default() {
    let app = TestApp::spawn().await;
    for method in ["GET", "OPTIONS"] {
        let request = app.request(method, "/persons").header("origin", ALLOWED);
        let request = request.header("access-control-request-method", "POST");
        let response = request.send().await.expect("a response");
        assert!(response.headers().keys().all(|it| !it.as_str().starts_with("access-control-")));
        assert!(!response.headers().contains_key("vary"));
    }
}

#[tokio::test]
async fn allowed_origins_may_read_every_response() {
    let origins = "http://localhost:3000,https://app.example";
    let app = TestApp::spawn_with(&[("API_CORS_ORIGINS", origins)]).await;
    for (origin, is_allowed) in [
        (ALLOWED, true),
        ("http://localhost:3000", true),
        ("https://app.example.evil", false),
        ("https://app.example:8443", false),
        ("http://app.example", false),
        ("null", false),
        ("\u{e9}", false),
    ] {
        for path in ["/persons", "/nowhere"] {
            let request = app.get(path).header("origin", origin.as_bytes());
            let response = request.send().await.expect("a response");
            let headers = response.headers();
            let allowed = text(headers, "access-control-allow-origin");
            assert_eq!(allowed, if is_allowed { origin } else { "" }, "{origin} {path}");
            assert_eq!(text(headers, "vary"), "origin", "{origin} {path}");
            let readable = text(headers, "access-control-expose-headers");
            assert_eq!(readable.contains("x-request-id"), is_allowed, "{origin} {path}");
            assert!(!headers.contains_key("access-control-allow-credentials"));
        }
    }
}

#[tokio::test]
async fn cors_preflight_lists_methods_and_headers() {
    let app = TestApp::spawn_with(&[("API_CORS_ORIGINS", ALLOWED)]).await;
    for (origin, path, is_listed) in [
        (ALLOWED, "/persons", true),
        ("https://evil.example", "/persons", false),
        (ALLOWED, "/x", false),
    ] {
        let request = app.request("OPTIONS", path).header("origin", origin);
        let request = request.header("access-control-request-method", "POST");
        let response = request.send().await.expect("a response");
        let headers = response.headers();
        let methods = text(headers, "access-control-allow-methods");
        assert_eq!(methods.contains("POST"), is_listed, "{origin} {path}");
        let may_send = text(headers, "access-control-allow-headers");
        assert_eq!(may_send.contains("content-type"), is_listed, "{origin} {path}");
    }
}
