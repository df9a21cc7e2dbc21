//! Requests without an end, or a gigabyte long: cut off early, in little memory.

use futures_util::future::join_all;

use crate::harness::{ServerProcess, TestApp, Wire};

const GIGABYTE: usize = 1 << 30;

/// What the systems on both ends keep of a connection that nobody reads, and then some.
const BUFFERED: usize = 64 << 20;

const POST: &str = "POST /persons HTTP/1.1\r\nHost: api\r\nContent-Type: application/json\r\n";
const CHUNKED: &str = "Transfer-Encoding: chunked\r\n\r\n";

/// Sends `beginning`, then `block` for ever; the server must end that early, with this status.
async fn is_cut(server: &ServerProcess, beginning: &str, block: &str, status: u16) {
    let mut wire = Wire::connect(server.address).await;
    wire.send(beginning).await;
    let sent = wire.flood(block.repeat(65_536 / block.len()).as_bytes(), GIGABYTE).await;
    assert!(sent < BUFFERED, "{sent} bytes of {block:?} went after {beginning:?}");
    let answer = wire.rest().await;
    // The rest of what was sent may reset the connection before the answer is read.
    let is_right = answer.is_empty() || answer.starts_with(&format!("HTTP/1.1 {status} "));
    assert!(is_right, "{beginning:?}: {answer}");
}

#[tokio::test]
async fn a_gigabyte_is_413_before_it_is_sent() {
    let app = TestApp::spawn().await;
    let mut wire = Wire::connect(app.address).await;
    wire.send(format!("{POST}Content-Length: {GIGABYTE}\r\n\r\n")).await;
    let answer = wire.answer().await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert_eq!(wire.rest().await, "");
}

#[tokio::test]
#[ignore = "takes long"]
async fn what_has_no_end_is_cut_off_in_little_memory() {
    let app = TestApp::spawn().await;
    // Chunks of one byte take a debug build long.
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
    join_all(shapes.map(|(start, block, status)| is_cut(&server, start, block, *status))).await;
    let after = server.memory();
    assert!(after < before + 100, "{before} MiB became {after}");
    assert_eq!(server.get(&app, "/persons").send().await.expect("an answer").status(), 200);
}
