//! What holds for every error, whoever makes it: a handler, the framework or a layer.

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
async fn an_unknown_path_is_404() {
    let app = TestApp::spawn().await;
    let response = app.get("/nowhere").send().await.expect("an answer");
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
async fn an_unknown_method_is_405() {
    let app = TestApp::spawn().await;
    let response = app.request("DELETE", "/persons").send().await.expect("an answer");
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
async fn a_body_that_announces_too_much_is_413() {
    let app = TestApp::spawn_with(&SMALL_BODIES).await;
    let body = json!({ "name": "a".repeat(100), "emails": ["ada@example.com"] });
    let response = app.post("/persons", &body).send().await.expect("an answer");
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
async fn a_body_that_announces_too_much_is_413_before_it_is_sent() {
    let app = TestApp::spawn_with(&SMALL_BODIES).await;
    refuses_as_too_large(&app, "Content-Length: 101\r\n\r\n").await;
}

#[tokio::test]
async fn a_chunked_body_that_turns_out_too_large_is_413() {
    let app = TestApp::spawn_with(&SMALL_BODIES).await;
    let chunk = "a".repeat(0x80);
    let chunked = format!("Transfer-Encoding: chunked\r\n\r\n80\r\n{chunk}\r\n0\r\n\r\n");
    refuses_as_too_large(&app, &chunked).await;
}

/// Sends what a client library would not.
async fn refuses_as_too_large(app: &TestApp, rest: &str) {
    let mut stream = TcpStream::connect(app.address).await.expect("a connection");
    let request = format!(
        "POST /persons HTTP/1.1\r\nHost: api\r\nConnection: close\r\n\
         Content-Type: application/json\r\n{rest}"
    );
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let mut answer = String::new();
    let read = timeout(Duration::from_secs(5), stream.read_to_string(&mut answer)).await;
    read.expect("an answer in time").expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("content-type: application/problem+json"), "{answer}");
    assert!(answer.contains("x-request-id: "), "{answer}");
}

#[tokio::test]
async fn a_safe_request_id_of_the_client_is_kept_and_another_replaced() {
    let app = TestApp::spawn().await;
    let too_long = "a".repeat(65);
    for (given, is_kept) in
        [("Run-7_a.b", true), ("a b", false), ("a\"b", false), ("", false), (&too_long, false)]
    {
        for path in ["/health/live", "/nowhere"] {
            let request = app.get(path).header("x-request-id", given);
            let response = request.send().await.expect("an answer");
            let id = response.headers()["x-request-id"].to_str().expect("ASCII");
            assert_eq!(id == given, is_kept, "{given:?} on {path} became {id:?}");
            assert!(!id.is_empty());
        }
    }
}

#[tokio::test]
async fn an_error_of_the_server_tells_the_request_id_and_nothing_else() {
    let app = TestApp::spawn().await;
    let client = app.database.connect().await;
    // No SQLSTATE that the server expects.
    client.batch_execute("ALTER TABLE persons RENAME COLUMN name TO renamed").await.expect("done");
    let request = app.get("/persons").header("x-request-id", "mine");
    let response = request.send().await.expect("an answer");
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
