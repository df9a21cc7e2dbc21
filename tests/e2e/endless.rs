//! Endless requests, and requests of a gigabyte: rejected early, with little memory.

use futures_util::future::join_all;

use crate::harness::{ServerProcess, TestApp, Wire};

const GIGABYTE: usize = 1 << 30;

/// This is more than the operating systems of both sides buffer for a connection that nothing reads.
const BUFFERED: usize = 64 << 20;

const POST: &str = "POST /persons HTTP/1.1\r\nHost: api\r\nContent-Type: application/json\r\n";
const CHUNKED: &str = "Transfer-Encoding: chunked\r\n\r\n";

/// Sends `beginning`, then repeats `block`. The server must reject the request early with this status.
async fn assert_cut_off(server: &ServerProcess, beginning: &str, block: &str, status: u16) {
    let mut wire = Wire::connect(server.address).await;
    wire.send(beginning).await;
    let sent = wire.flood(block.repeat(65_536 / block.len()).as_bytes(), GIGABYTE).await;
    assert!(sent < BUFFERED, "the server read {sent} bytes of {block:?} after {beginning:?}");
    let response = wire.rest().await;
    // The response may be lost, because the bytes that the server did not read can reset the connection.
    let is_expected = response.is_empty() || response.starts_with(&format!("HTTP/1.1 {status} "));
    assert!(is_expected, "{beginning:?}: {response}");
}

#[tokio::test]
async fn a_content_length_over_the_limit_returns_413_before_the_body() {
    let app = TestApp::spawn().await;
    let mut wire = Wire::connect(app.address).await;
    wire.send(format!("{POST}Content-Length: {GIGABYTE}\r\n\r\n")).await;
    let response = wire.response().await;
    assert!(response.starts_with("HTTP/1.1 413 "), "{response}");
    assert_eq!(wire.rest().await, "");
}

#[tokio::test]
#[ignore = "takes long"]
async fn endless_requests_are_cut_off_with_little_memory() {
    let app = TestApp::spawn().await;
    // The timeout is long, because a debug build is slow with chunks of one byte.
    let limits = [("API_BODY_LIMIT_BYTES", "16384"), ("API_BODY_TIMEOUT_SECONDS", "600")];
    let server = ServerProcess::start(&app, &limits);
    let get = "GET /health/live HTTP/1.1\r\n";
    let (header, line) = (format!("{get}Host: a\r\n"), format!("{get}Host: a\r\nA: "));
    let announced = format!("{POST}Content-Length: {GIGABYTE}\r\n\r\n");
    let chunked = format!("{POST}{CHUNKED}");
    let one_chunk = format!("{chunked}{GIGABYTE:x}\r\n");
    let extension = format!("{chunked}2;");
    let (trailers, trailer) = (format!("{chunked}0\r\n"), format!("{chunked}0\r\nA: "));
    let shapes = [
        ("", "\r\n", 431),
        ("", "G", 431),
        ("GET /", "a", 431),
        (&line, "a", 431),
        (&header, "A: b\r\n", 431),
        (&announced, "a", 413),
        (&chunked, "1\r\na\r\n", 413),
        (&one_chunk, "a", 413),
        (&extension, "a", 400),
        (&chunked, "0", 400),
        (&trailers, "A: b\r\n", 400),
        (&trailer, "a", 400),
    ];
    let before = server.memory();
    let shapes = shapes.iter().cycle().take(4 * shapes.len());
    join_all(shapes.map(|(start, block, status)| assert_cut_off(&server, start, block, *status)))
        .await;
    let after = server.memory();
    assert!(after < before + 100, "the memory grew from {before} to {after} MiB");
    assert_eq!(server.get(&app, "/persons").send().await.expect("a response").status(), 200);
}
