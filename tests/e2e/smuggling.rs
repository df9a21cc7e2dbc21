//! Request smuggling: requests that a proxy could parse in another way than the server. The server either rejects
//! such a request or finds exactly one boundary between requests.

use crate::harness::{TestApp, Wire};

const NEXT: &str = "GET /health/live HTTP/1.1\r\nHost: api\r\nConnection: close\r\n\r\n";
const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";
const REJECTED: [u16; 1] = [400];
/// The statuses of a POST without a token and of the next request.
const BOTH: [u16; 2] = [401, 200];

/// Sends these bytes and another request, and returns the statuses of all responses.
async fn statuses(app: &TestApp, bytes: &str) -> Vec<u16> {
    let mut wire = Wire::connect(app.address).await;
    wire.send(format!("{bytes}{NEXT}")).await;
    let responses = wire.rest().await;
    let statuses = responses.split("HTTP/1.1 ").skip(1);
    statuses.map(|response| response[..3].parse::<u16>().expect("a status")).collect()
}

fn post(lines: &str, body: &str) -> String {
    format!("POST /persons HTTP/1.1\r\nHost: api\r\n{lines}\r\n{body}")
}

#[tokio::test]
async fn ambiguous_body_lengths_are_rejected() {
    let app = TestApp::spawn().await;
    for (lines, why) in [
        ("Content-Length: 1\r\nContent-Length: 2\r\n", "two lengths"),
        ("Content-Length: 1, 2\r\n", "two lengths in one"),
        ("Content-Length: 1, 1\r\n", "one length twice in one"),
        ("Content-Length: +1\r\n", "a signed length"),
        ("Content-Length: 0x1\r\n", "a hexadecimal length"),
        ("Content-Length: 18446744073709551616\r\n", "a length beyond 64 bits"),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "chunked in two lines"),
        ("Transfer-Encoding: chunked, chunked\r\n", "chunked twice"),
        ("Transfer-Encoding: gzip, chunked\r\n", "an unsupported coding"),
        ("Transfer-Encoding: chunked, identity\r\n", "chunked is not last"),
        ("Transfer-Encoding: chunked,\r\n", "an empty coding"),
        ("Transfer-Encoding: xchunked\r\n", "an unknown coding"),
        ("Transfer-Encoding: \"chunked\"\r\n", "a quoted coding"),
        ("Transfer-Encoding: \x0bchunked\r\n", "another kind of space"),
        ("Transfer-Encoding:\r\nContent-Length: 1\r\n", "no coding, and a length"),
        ("Transfer-Encoding: identity\r\nContent-Length: 1\r\n", "identity, and a length"),
        ("Transfer-Encoding : chunked\r\n", "a space before the colon"),
        ("A: b\r\n c: d\r\n", "a folded line"),
        ("A: b\rC: d\r\n", "a bare CR"),
        ("A: b\0\r\n", "a NUL"),
        ("A\r\n", "no colon"),
    ] {
        // The body is valid for each of the headers: it has the Content-Length, and it is a complete last chunk.
        assert_eq!(statuses(&app, &post(lines, "0\r\n\r\n")).await, REJECTED, "{why}");
    }
    let folded = "POST /persons HTTP/1.1\r\n A: b\r\nHost: api\r\n\r\n";
    assert_eq!(statuses(&app, folded).await, REJECTED, "a space before the first name");
}

#[tokio::test]
async fn a_request_with_length_and_chunks_is_chunked_and_closes_the_connection() {
    let app = TestApp::spawn().await;
    let length = "Content-Length: 4\r\n";
    for lines in [format!("{length}{CHUNKED}"), format!("{CHUNKED}{length}")] {
        assert_eq!(statuses(&app, &post(&lines, "0\r\n\r\n")).await, [401]);
    }
}

#[tokio::test]
async fn malformed_chunks_are_rejected() {
    let app = TestApp::spawn().await;
    for (body, why) in [
        ("10000000000000000\r\n{}", "a size beyond 64 bits"),
        ("-2\r\n{}\r\n0\r\n\r\n", "a signed size"),
        ("0x2\r\n{}\r\n0\r\n\r\n", "a prefix"),
        ("\r\n{}\r\n0\r\n\r\n", "no size"),
        ("2\n{}\n0\n\n", "bare LF"),
        ("2;a\nb\r\n{}\r\n0\r\n\r\n", "bare LF in an extension"),
        ("2\r\n{}xx0\r\n\r\n", "no line end after the chunk"),
    ] {
        assert_eq!(statuses(&app, &post(CHUNKED, body)).await, REJECTED, "{why}");
    }
    for (body, why) in [
        ("2;a=b\r\n{}\r\n0\r\n\r\n", "an extension"),
        ("02\r\n{}\r\n00\r\n\r\n", "leading zeros"),
        ("2\r\n{}\r\n0\r\nContent-Length: 9\r\n\r\n", "a trailer"),
    ] {
        assert_eq!(statuses(&app, &post(CHUNKED, body)).await, BOTH, "{why}");
    }
}

#[tokio::test]
async fn a_request_needs_one_valid_host() {
    let app = TestApp::spawn().await;
    let get = |target: &str, hosts: &str| format!("GET {target} HTTP/1.1\r\n{hosts}\r\n");
    for hosts in ["", "Host: a\r\nHost: a\r\n", "Host: a b\r\n", "Host: a/b\r\n", "Host: a@b\r\n"] {
        assert_eq!(statuses(&app, &get("/health/live", hosts)).await, REJECTED, "{hosts:?}");
    }
    for (target, hosts, why) in [
        ("/health/live", "Host:\r\n", "an empty host"),
        ("/health/live", "Host: [::1]:5000\r\n", "a host with a port"),
        ("http://other/health/live", "Host: api\r\n", "the host of the target takes precedence"),
    ] {
        assert_eq!(statuses(&app, &get(target, hosts)).await, [200, 200], "{why}");
    }
}

#[tokio::test]
async fn unambiguous_requests_are_served() {
    let app = TestApp::spawn().await;
    for (bytes, why) in [
        (post("Content-Length: 2\r\nContent-Length: 2\r\n", "{}"), "one length twice"),
        (post("Transfer-Encoding: CHUNKED\r\n", "0\r\n\r\n"), "capitals"),
        (post("Transfer_Encoding: chunked\r\nContent-Length: 2\r\n", "{}"), "another name"),
        (post("Content-Length: 2\nA: b\n", "{}"), "lines that end only in LF"),
        (format!("\r\n\r\n{}", post("", "")), "empty lines before the request"),
    ] {
        assert_eq!(statuses(&app, &bytes).await, BOTH, "{why}");
    }
    let length = NEXT.len();
    let get = format!("GET /health/live HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n");
    assert_eq!(statuses(&app, &format!("{get}{NEXT}")).await, [200, 200], "a GET with a body");
}
