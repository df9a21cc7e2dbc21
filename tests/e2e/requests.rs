//! Requests that the server must not misread: encodings, byte order marks, unknown parameters and fields, far years.

use reqwest::Response;
use serde_json::{Map, Value, json};

use crate::harness::{TestApp, problem};

fn person() -> Value {
    json!({ "name": "Ada", "emails": ["ada@example.com"] })
}

async fn post(app: &TestApp, body: impl Into<reqwest::Body>, encoding: &str) -> Response {
    let request = app.request("POST", "/persons").header("content-type", "application/json");
    let request =
        if encoding.is_empty() { request } else { request.header("content-encoding", encoding) };
    request.body(body).send().await.expect("a response")
}

#[tokio::test]
async fn encoded_bodies_return_415() {
    let app = TestApp::spawn().await;
    for encoding in ["gzip", "br", "deflate, gzip", "unknown"] {
        let response = post(&app, person().to_string(), encoding).await;
        assert_eq!(response.headers()["accept-encoding"], "identity");
        let problem = problem(response, 415).await;
        let detail = problem["detail"].as_str().expect("a detail");
        assert!(detail.contains("Content-Encoding"), "{encoding}: {detail}");
    }
    assert_eq!(post(&app, person().to_string(), "identity").await.status(), 201);
}

#[tokio::test]
async fn byte_order_marks_are_named() {
    let app = TestApp::spawn().await;
    for mark in [b"\xef\xbb\xbf".as_slice(), b"\xff\xfe", b"\xfe\xff"] {
        let body = [mark, person().to_string().as_bytes()].concat();
        let problem = problem(post(&app, body, "").await, 400).await;
        let detail = problem["detail"].as_str().expect("a detail");
        assert!(detail.contains("byte order mark"), "{mark:?}: {detail}");
    }
}

#[tokio::test]
async fn unknown_and_repeated_query_parameters_return_422() {
    let app = TestApp::spawn().await;
    for (method, path, name) in [
        ("GET", "/persons?limits=1", "limits"),
        ("GET", "/persons?limit=1&limit=2", "limit"),
        ("GET", "/persons?limit=1&%6cimit=1", "limit"),
        ("GET", "/persons?q=a&q=a", "q"),
        ("GET", "/accounts/me?verbose", "verbose"),
        ("POST", "/persons?dry_run=true", "dry_run"),
        ("GET", "/health/live?a=1", "a"),
    ] {
        let request = app.request(method, path).json(&person());
        let problem = problem(request.send().await.expect("a response"), 422).await;
        assert_eq!(problem["errors"][0]["parameter"], name, "{path}: {problem}");
        assert_eq!(problem["errors"].as_array().expect("a list").len(), 1, "{path}: {problem}");
    }
    let head = app.request("HEAD", "/persons?limits=1").send().await.expect("a response");
    assert_eq!(head.status(), 422);
    for path in ["/persons?limit=1&q=ada", "/persons?", "/?theme=dark"] {
        assert_eq!(app.get(path).send().await.expect("a response").status(), 200, "{path}");
    }
}

#[tokio::test]
async fn times_beyond_the_year_9999_return_422() {
    let app = TestApp::spawn().await;
    for (time, status) in [
        ("9999-12-31T23:59:59Z", 201),
        ("9999-12-31T23:59:59+01:00", 201),
        ("9999-12-31T23:59:59-01:00", 422),
        ("+10000-01-01T00:00:00Z", 422),
        ("10000-01-01T00:00:00Z", 422),
        ("0000-01-01T00:00:00Z", 422),
        ("9999-01-01 00:00:00Z", 422),
    ] {
        let body = json!({ "name": "ci", "scope": "read", "expires_at": time });
        let response = app.post("/tokens", &body).send().await.expect("a response");
        assert_eq!(response.status(), status, "{time}");
        if status == 422 {
            assert_eq!(problem(response, 422).await["errors"][0]["pointer"], "/expires_at");
        }
    }
}

#[tokio::test]
async fn many_invalid_values_return_a_small_response() {
    let app = TestApp::spawn().await;
    let unknown: Map<_, _> = (0..1000).map(|number| (number.to_string(), json!(1))).collect();
    let long = Map::from_iter([("a".repeat(15_000), json!(1))]);
    for (body, number) in [(unknown, 1002), (long, 3)] {
        let request = app.request_anonymous("POST", "/sessions").json(&body);
        let problem = problem(request.send().await.expect("a response"), 422).await;
        assert!(problem.to_string().len() < 4000, "{number}: {} bytes", problem.to_string().len());
        let errors = problem["errors"].as_array().expect("a list");
        assert_eq!(errors.len(), number.min(20));
        let detail = problem["detail"].as_str().expect("a detail");
        assert_eq!(detail.contains(&number.to_string()), number > 20, "{detail}");
    }
    let query: Vec<_> = (0..1000).map(|number| format!("p{number}")).collect();
    let response = app.get(&format!("/persons?{}", query.join("&"))).send().await;
    let problem = problem(response.expect("a response"), 422).await;
    assert_eq!(problem["errors"].as_array().expect("a list").len(), 20);
}
