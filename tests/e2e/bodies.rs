//! Limits of bodies: for each operation, before authentication, and for all requests together.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::harness::{TestApp, Wire};

/// The limit before authentication.
const SMALL: usize = 16 * 1024;

/// Returns the header of a request with a JSON body.
fn head(target: &str, token: Option<&str>, length: &str) -> String {
    let token = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    format!(
        "{target} HTTP/1.1\r\nHost: api\r\nContent-Type: application/json\r\n{token}{length}\r\n\r\n"
    )
}

fn announced(length: usize) -> String {
    format!("Content-Length: {length}")
}

/// A valid person, padded with spaces to this length.
fn person(length: usize) -> String {
    let person = r#"{"name":"Ada","emails":["ada@example.com"]}"#;
    person.to_owned() + &" ".repeat(length - person.len())
}

/// Sends a request, and returns the status of the response.
async fn status(app: &TestApp, request: &str) -> String {
    let mut wire = Wire::connect(app.address).await;
    wire.send(request).await;
    wire.response().await[..12].to_owned()
}

#[tokio::test]
async fn a_large_body_is_not_read_from_an_anonymous_client() {
    let app = TestApp::spawn().await;
    let unknown = format!("slw_{}", "a".repeat(43));
    for token in [None, Some(unknown.as_str())] {
        let head = head("POST /persons", token, &announced(SMALL + 1));
        assert_eq!(status(&app, &head).await, "HTTP/1.1 401", "{token:?}");
    }
    let endless = head("POST /persons", None, "Transfer-Encoding: chunked");
    let chunk = "a".repeat(SMALL + 1);
    let endless = format!("{endless}{:x}\r\n{chunk}\r\n", chunk.len());
    assert_eq!(status(&app, &endless).await, "HTTP/1.1 401");

    let (token, length) = (Some(app.member.token.as_str()), SMALL + 1);
    let whole = head("POST /persons", token, &announced(length)) + &person(length);
    assert_eq!(status(&app, &whole).await, "HTTP/1.1 201");
}

#[tokio::test]
async fn a_client_may_finish_sending_a_rejected_body() {
    let app = TestApp::spawn().await;
    let mut stream = TcpStream::connect(app.address).await.expect("a connection");
    let head = head("POST /persons", None, &announced(100_000)) + &person(40_000);
    stream.write_all(head.as_bytes()).await.expect("an open connection");
    let mut response = Vec::new();
    stream.read_to_end(&mut response).await.expect("no reset");
    assert!(response.starts_with(b"HTTP/1.1 401 "), "{}", response.escape_ascii());
    // A reset would fail one of them.
    for _ in 0..2 {
        stream.write_all(" ".repeat(30_000).as_bytes()).await.expect("no reset");
    }
}

#[tokio::test]
async fn the_limit_of_an_operation_follows_from_its_schema() {
    let app = TestApp::spawn().await;
    let token = Some(app.member.token.as_str());
    for (target, length, expected) in [
        ("POST /sessions", SMALL + 1, "413"),
        ("PUT /accounts/me/password", SMALL + 1, "413"),
        ("POST /persons", 200_000, "413"),
        ("PUT /nowhere", 200_000, "404"),
        ("PUT /persons", 200_000, "405"),
    ] {
        let head = head(target, token, &announced(length));
        assert_eq!(status(&app, &head).await, format!("HTTP/1.1 {expected}"), "{target}");
    }
    let whole = head("POST /persons", token, &announced(100_000)) + &person(100_000);
    assert_eq!(status(&app, &whole).await, "HTTP/1.1 201");
}

#[tokio::test]
async fn bodies_over_the_common_memory_return_503_until_others_end() {
    let limits = [("API_BODY_LIMIT_BYTES", "16384"), ("API_BODY_MEMORY_BYTES", "16384")];
    let app = TestApp::spawn_with(&limits).await;
    let request =
        head("POST /persons", Some(&app.member.token), &announced(10_000)) + &person(10_000);
    let (beginning, end) = request.split_at(request.len() - 1);
    let mut kept = one_of_two(&app, beginning).await;
    kept.send(end).await;
    assert!(kept.response().await.starts_with("HTTP/1.1 201 "));
    assert_eq!(status(&app, &request).await, "HTTP/1.1 201");
}

#[tokio::test]
async fn anonymous_clients_leave_memory_for_bodies_with_a_token() {
    let limits = [("API_BODY_LIMIT_BYTES", "16384"), ("API_BODY_MEMORY_BYTES", "65536")];
    let app = TestApp::spawn_with(&limits).await;
    let anonymous = head("POST /sessions", None, &announced(10_000)) + &person(9_999);
    let _kept = one_of_two(&app, &anonymous).await;
    let token = Some(app.member.token.as_str());
    let request = head("POST /persons", token, &announced(10_000)) + &person(10_000);
    assert_eq!(status(&app, &request).await, "HTTP/1.1 201");
}

/// Sends an incomplete request on two connections, of which one must be rejected. Returns the other.
async fn one_of_two(app: &TestApp, beginning: &str) -> Wire {
    let (mut one, mut other) = (Wire::connect(app.address).await, Wire::connect(app.address).await);
    one.send(beginning).await;
    other.send(beginning).await;
    let (rejected, kept) = tokio::select! {
        response = one.response() => (response, other),
        response = other.response() => (response, one),
    };
    assert!(rejected.starts_with("HTTP/1.1 503 "), "{rejected}");
    assert!(rejected.contains("retry-after: "), "{rejected}");
    kept
}
