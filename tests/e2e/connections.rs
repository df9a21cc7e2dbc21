//! Clients that are slow, silent, many or malicious, each on a connection of its own.

use std::time::Duration;

use tokio::time::interval;

use crate::harness::{TestApp, Wire};

const HALF_A_HEADER: &str = "GET /health/live HTTP/1.1\r\nHost: a";

async fn is_live(app: &TestApp) -> bool {
    let request = app.get("/health/live").timeout(Duration::from_secs(10));
    request.send().await.expect("an answer").status() == 200
}

#[tokio::test]
async fn a_header_that_does_not_come_ends_the_connection_and_nobody_else_waits() {
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
async fn a_header_that_comes_byte_by_byte_does_not_keep_the_connection() {
    let app = TestApp::spawn_with(&[("API_HEADER_TIMEOUT_SECONDS", "1")]).await;
    let mut wire = Wire::connect(app.address).await;
    wire.send(HALF_A_HEADER).await;
    let mut ticks = interval(Duration::from_millis(100));
    let mut sent = 0;
    while wire.is_silent().await {
        ticks.tick().await;
        wire.send("a").await;
        sent += 1;
        assert!(sent < 100, "it waits for ever");
    }
    assert_eq!(wire.rest().await, "");
}

#[tokio::test]
async fn an_idle_connection_may_wait_longer_than_a_header() {
    let variables = [("API_HEADER_TIMEOUT_SECONDS", "1"), ("API_IDLE_TIMEOUT_SECONDS", "60")];
    let app = TestApp::spawn_with(&variables).await;
    let mut idle = Wire::connect(app.address).await;
    idle.get("/health/live").await;
    idle.answer().await;
    // It is idle for as long as this one takes to end.
    let mut slow = Wire::connect(app.address).await;
    slow.send(HALF_A_HEADER).await;
    slow.rest().await;
    idle.get("/health/live").await;
    assert!(idle.answer().await.starts_with("HTTP/1.1 200 "));
    // But a header that it has begun is as late as another's.
    idle.send(HALF_A_HEADER).await;
    assert_eq!(idle.rest().await, "");
}

#[tokio::test]
async fn an_idle_connection_ends() {
    let app = TestApp::spawn_with(&[("API_IDLE_TIMEOUT_SECONDS", "1")]).await;
    let mut wire = Wire::connect(app.address).await;
    for _ in 0..2 {
        wire.get("/health/live").await;
        assert!(wire.answer().await.starts_with("HTTP/1.1 200 "));
    }
    assert_eq!(wire.rest().await, "");
}

#[tokio::test]
async fn a_body_that_stalls_is_408_and_ends_the_connection() {
    let app = TestApp::spawn_with(&[("API_BODY_TIMEOUT_SECONDS", "1")]).await;
    let head = "POST /persons HTTP/1.1\r\nHost: api\r\nContent-Type: application/json\r\n";
    for body in ["Content-Length: 10\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"] {
        let mut wire = Wire::connect(app.address).await;
        wire.send(&format!("{head}{body}")).await;
        let answer = wire.rest().await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert!(answer.contains("content-type: application/problem+json"), "{answer}");
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_loses_its_connection() {
    let variables = [("API_MAX_CONNECTIONS", "1"), ("API_IDLE_TIMEOUT_SECONDS", "1")];
    let app = TestApp::spawn_with(&variables).await;
    let mut deaf = Wire::connect(app.address).await;
    for _ in 0..20 {
        deaf.get("/docs").await;
    }
    // Who comes after gets its place.
    assert!(is_live(&app).await);
}

#[tokio::test]
async fn a_connection_too_many_waits_until_another_ends() {
    let app = TestApp::spawn_with(&[("API_MAX_CONNECTIONS", "2")]).await;
    let (mut first, mut second) =
        (Wire::connect(app.address).await, Wire::connect(app.address).await);
    for wire in [&mut first, &mut second] {
        wire.get("/health/live").await;
        wire.answer().await;
    }
    let mut third = Wire::connect(app.address).await;
    third.get("/health/live").await;
    assert!(third.is_silent().await);
    drop(first);
    assert!(third.answer().await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn thousands_of_half_open_connections_do_not_keep_others_out() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).expect("we may");
    }
    let app = TestApp::spawn().await;
    let mut half_open = Vec::new();
    for number in 0..2000 {
        let mut wire = Wire::connect(app.address).await;
        if number % 2 == 0 {
            wire.send(HALF_A_HEADER).await;
        }
        half_open.push(wire);
    }
    assert!(is_live(&app).await);
    assert_eq!(app.get("/persons").send().await.expect("an answer").status(), 200);
}

#[tokio::test]
async fn an_endless_header_is_431() {
    let app = TestApp::spawn().await;
    for line in ["GET /", "GET / HTTP/1.1\r\nA: "] {
        let mut wire = Wire::connect(app.address).await;
        wire.send(line).await;
        wire.send(&"a".repeat(100_000)).await;
        let answer = wire.rest().await;
        // The rest of what was sent may reset the connection before the answer is read.
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
    assert!(is_live(&app).await);
}

#[tokio::test]
async fn what_a_proxy_might_understand_otherwise_is_400_and_ends_the_connection() {
    let app = TestApp::spawn().await;
    for (lines, why) in [
        ("Content-Length: 1\r\nContent-Length: 2\r\n", "two lengths"),
        ("Content-Length: 1, 2\r\n", "two lengths in one"),
        ("Content-Length: +1\r\n", "a signed length"),
        ("Content-Length: 0x1\r\n", "a hexadecimal length"),
        ("Content-Length: 18446744073709551616\r\n", "a length beyond 64 bits"),
        ("Transfer-Encoding: chunked, identity\r\n", "chunked is not last"),
        ("Transfer-Encoding: xchunked\r\n", "an unknown coding"),
        ("Transfer-Encoding : chunked\r\n", "a space before the colon"),
        ("A: b\r\n c: d\r\n", "a folded line"),
        ("A: b\rC: d\r\n", "a bare CR"),
        ("A: b\0\r\n", "a NUL"),
        ("A\r\n", "no colon"),
        (" A: b\r\n", "a space before the first name"),
    ] {
        let mut wire = Wire::connect(app.address).await;
        let next = "GET /health/live HTTP/1.1\r\nHost: api\r\n\r\n";
        wire.send(&format!("POST /persons HTTP/1.1\r\n{lines}Host: api\r\n\r\na{next}")).await;
        let answer = wire.rest().await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{why}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{why}: {answer}");
    }
    assert!(is_live(&app).await);
}

#[tokio::test]
async fn a_request_with_both_length_and_chunks_is_the_last_of_its_connection() {
    let app = TestApp::spawn().await;
    let (length, chunked) = ("Content-Length: 4\r\n", "Transfer-Encoding: chunked\r\n");
    for lines in [format!("{length}{chunked}"), format!("{chunked}{length}")] {
        let mut wire = Wire::connect(app.address).await;
        let next = "GET /health/live HTTP/1.1\r\nHost: api\r\n\r\n";
        let request = format!("POST /persons HTTP/1.1\r\nHost: api\r\n{lines}\r\n0\r\n\r\n{next}");
        wire.send(&request).await;
        let answer = wire.rest().await;
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
    }
}
