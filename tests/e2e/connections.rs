//! Slow, silent, numerous and malicious clients, each on its own connection.

use std::time::{Duration, Instant};

use tokio::time::interval;

use crate::harness::{TestApp, Wire};

const HALF_A_HEADER: &str = "GET /health/live HTTP/1.1\r\nHost: a";

async fn is_live(app: &TestApp) -> bool {
    let request = app.get("/health/live").timeout(Duration::from_secs(10));
    request.send().await.expect("a response").status() == 200
}

#[tokio::test]
async fn an_incomplete_header_closes_its_connection_without_delaying_others() {
    let app = TestApp::spawn_with(&[("API_HEADER_TIMEOUT_SECONDS", "1")]).await;
    let mut slow = Vec::new();
    for beginning in ["", "GET", HALF_A_HEADER, "PRI * HTTP/2.0\r\n"] {
        let mut wire = Wire::connect(app.address).await;
        wire.send(beginning).await;
        slow.push(wire);
    }
    assert!(is_live(&app).await);
    for mut wire in slow {
        assert_eq!(wire.rest().await, "");
    }
}

#[tokio::test]
async fn a_header_sent_byte_by_byte_does_not_extend_the_timeout() {
    let app = TestApp::spawn_with(&[("API_HEADER_TIMEOUT_SECONDS", "1")]).await;
    let mut wire = Wire::connect(app.address).await;
    wire.send(HALF_A_HEADER).await;
    let mut ticks = interval(Duration::from_millis(100));
    let mut sent = 0;
    while wire.is_silent().await {
        ticks.tick().await;
        wire.send("a").await;
        sent += 1;
        assert!(sent < 100, "the server does not close the connection");
    }
    assert_eq!(wire.rest().await, "");
}

#[tokio::test]
async fn an_idle_connection_may_wait_longer_than_a_header() {
    let variables = [("API_HEADER_TIMEOUT_SECONDS", "1"), ("API_IDLE_TIMEOUT_SECONDS", "60")];
    let app = TestApp::spawn_with(&variables).await;
    let mut idle = Wire::connect(app.address).await;
    idle.get("/health/live").await;
    idle.response().await;
    // Keeps `idle` open without a request until the header timeout closes `slow`.
    let mut slow = Wire::connect(app.address).await;
    slow.send(HALF_A_HEADER).await;
    slow.rest().await;
    idle.get("/health/live").await;
    assert!(idle.response().await.starts_with("HTTP/1.1 200 "));
    // The header timeout also applies to a later request on the same connection.
    idle.send(HALF_A_HEADER).await;
    assert_eq!(idle.rest().await, "");
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let app = TestApp::spawn_with(&[("API_IDLE_TIMEOUT_SECONDS", "1")]).await;
    let mut wire = Wire::connect(app.address).await;
    for _ in 0..2 {
        wire.get("/health/live").await;
        assert!(wire.response().await.starts_with("HTTP/1.1 200 "));
    }
    assert_eq!(wire.rest().await, "");
}

#[tokio::test]
async fn an_old_connection_closes_after_a_response_that_announces_it() {
    let app = TestApp::spawn_with(&[("API_MAX_CONNECTION_AGE_SECONDS", "1")]).await;
    let mut wire = Wire::connect(app.address).await;
    let started = Instant::now();
    loop {
        wire.get("/health/live").await;
        let response = wire.response().await;
        assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
        if response.contains("connection: close") {
            break;
        }
        assert!(started.elapsed() < Duration::from_secs(10), "the connection stays open");
    }
    assert_eq!(wire.rest().await, "");
}

#[tokio::test]
async fn a_stalled_body_returns_408_and_closes_the_connection() {
    let app = TestApp::spawn_with(&[("API_BODY_TIMEOUT_SECONDS", "1")]).await;
    let head = "POST /persons HTTP/1.1\r\nHost: api\r\nContent-Type: application/json\r\n";
    for body in ["Content-Length: 10\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"] {
        let mut wire = Wire::connect(app.address).await;
        wire.send(&format!("{head}{body}")).await;
        let response = wire.rest().await;
        assert!(response.starts_with("HTTP/1.1 408 "), "{response}");
        assert!(response.contains("content-type: application/problem+json"), "{response}");
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_is_disconnected() {
    let variables = [("API_MAX_CONNECTIONS", "1"), ("API_IDLE_TIMEOUT_SECONDS", "1")];
    let app = TestApp::spawn_with(&variables).await;
    let mut deaf = Wire::connect(app.address).await;
    for _ in 0..20 {
        deaf.get("/docs").await;
    }
    // The server allows one connection, so a response shows that the first connection is closed.
    assert!(is_live(&app).await);
}

#[tokio::test]
async fn a_connection_over_the_limit_waits_until_another_ends() {
    let app = TestApp::spawn_with(&[("API_MAX_CONNECTIONS", "2")]).await;
    let (mut first, mut second) =
        (Wire::connect(app.address).await, Wire::connect(app.address).await);
    for wire in [&mut first, &mut second] {
        wire.get("/health/live").await;
        wire.response().await;
    }
    let mut third = Wire::connect(app.address).await;
    third.get("/health/live").await;
    assert!(third.is_silent().await);
    drop(first);
    assert!(third.response().await.starts_with("HTTP/1.1 200 "));
}
