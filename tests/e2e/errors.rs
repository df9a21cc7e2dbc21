//! Rules for every error, from handlers, the framework and middleware.

use std::time::Duration;

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::harness::{TestApp, problem};

const SMALL_BODIES: [(&str, &str); 1] = [("API_BODY_LIMIT_BYTES", "100")];

#[tokio::test]
async fn an_unknown_path_returns_404() {
    let app = TestApp::spawn().await;
    let response = app.get("/nowhere").send().await.expect("a response");
    insta::assert_json_snapshot!(problem(response, 404).await, @r#"
    {
      "code": "not_found",
      "detail": "this path does not exist",
      "status": 404,
      "title": "Not Found",
      "type": "urn:problem:not_found"
    }
    "#);
}

#[tokio::test]
async fn an_unknown_method_returns_405() {
    let app = TestApp::spawn().await;
    let response = app.request("DELETE", "/persons").send().await.expect("a response");
    insta::assert_json_snapshot!(problem(response, 405).await, @r#"
    {
      "code": "method_not_allowed",
      "detail": "this path does not support this method",
      "status": 405,
      "title": "Method Not Allowed",
      "type": "urn:problem:method_not_allowed"
    }
    "#);
}

#[tokio::test]
async fn a_content_length_over_the_limit_returns_413() {
    let app = TestApp::spawn_with(&SMALL_BODIES).await;
    let body = json!({ "name": "a".repeat(100), "emails": ["ada@example.com"] });
    let response = app.post("/persons", &body).send().await.expect("a response");
    insta::assert_json_snapshot!(problem(response, 413).await, @r#"
    {
      "code": "payload_too_large",
      "detail": "the body cannot be read or exceeds the size limit",
      "status": 413,
      "title": "Payload Too Large",
      "type": "urn:problem:payload_too_large"
    }
    "#);
}

#[tokio::test]
async fn a_content_length_over_the_limit_returns_413_before_the_body() {
    let app = TestApp::spawn_with(&SMALL_BODIES).await;
    assert_payload_too_large(&app, "Content-Length: 101\r\n\r\n").await;
}

#[tokio::test]
async fn a_chunked_body_over_the_limit_returns_413() {
    let app = TestApp::spawn_with(&SMALL_BODIES).await;
    let chunk = "a".repeat(0x80);
    let chunked = format!("Transfer-Encoding: chunked\r\n\r\n80\r\n{chunk}\r\n0\r\n\r\n");
    assert_payload_too_large(&app, &chunked).await;
}

/// Sends a request over a plain connection, because client libraries reject it.
async fn assert_payload_too_large(app: &TestApp, rest: &str) {
    let mut stream = TcpStream::connect(app.address).await.expect("a connection");
    let request = format!(
        "POST /persons HTTP/1.1\r\nHost: api\r\nConnection: close\r\n\
         Content-Type: application/json\r\n{rest}"
    );
    stream.write_all(request.as_bytes()).await.expect("an open connection");
    let mut response = String::new();
    let read = timeout(Duration::from_secs(5), stream.read_to_string(&mut response)).await;
    read.expect("a response in time").expect("a response");
    assert!(response.starts_with("HTTP/1.1 413 "), "{response}");
    assert!(response.contains("content-type: application/problem+json"), "{response}");
    assert!(response.contains("x-request-id: "), "{response}");
}

#[tokio::test]
async fn valid_request_ids_are_kept_and_invalid_ones_replaced() {
    let app = TestApp::spawn().await;
    let too_long = "a".repeat(65);
    for (given, is_kept) in
        [("Run-7_a.b", true), ("a b", false), ("a\"b", false), ("", false), (&too_long, false)]
    {
        for path in ["/health/live", "/nowhere"] {
            let request = app.get(path).header("x-request-id", given);
            let response = request.send().await.expect("a response");
            let id = response.headers()["x-request-id"].to_str().expect("ASCII");
            assert_eq!(id == given, is_kept, "{given:?} on {path} became {id:?}");
            assert!(!id.is_empty());
        }
    }
}

#[tokio::test]
async fn an_internal_error_returns_only_the_request_id() {
    let app = TestApp::spawn().await;
    let client = app.database.connect().await;
    // The renamed column causes an SQLSTATE that the server does not handle.
    client.batch_execute("ALTER TABLE persons RENAME COLUMN name TO renamed").await.expect("done");
    let request = app.get("/persons").header("x-request-id", "mine");
    let response = request.send().await.expect("a response");
    insta::assert_json_snapshot!(problem(response, 500).await, @r#"
    {
      "code": "internal_server_error",
      "request_id": "mine",
      "status": 500,
      "title": "Internal Server Error",
      "type": "urn:problem:internal_server_error"
    }
    "#);
}
