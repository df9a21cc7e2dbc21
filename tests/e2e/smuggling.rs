//! Requests that a proxy in front could take for other ones than the server does: each has one
//! decided answer, and what follows it is never taken for a part of it, or it for a part of that.

use crate::harness::{TestApp, Wire};

const NEXT: &str = "GET /health/live HTTP/1.1\r\nHost: api\r\nConnection: close\r\n\r\n";
const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";
const REFUSED: [u16; 1] = [400];
/// The answers to a POST without a token, and to the request after it.
const BOTH: [u16; 2] = [401, 200];

/// The statuses of all answers to these bytes, with another request behind them.
async fn answers(app: &TestApp, bytes: &str) -> Vec<u16> {
    let mut wire = Wire::connect(app.address).await;
    wire.send(format!("{bytes}{NEXT}")).await;
    let answers = wire.rest().await;
    let statuses = answers.split("HTTP/1.1 ").skip(1);
    statuses.map(|answer| answer[..3].parse().expect("a status")).collect()
}

fn post(lines: &str, body: &str) -> String {
    format!("POST /persons HTTP/1.1\r\nHost: api\r\n{lines}\r\n{body}")
}

#[tokio::test]
async fn the_length_of_a_body_is_one_or_the_connection_ends() {
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
        ("Transfer-Encoding: gzip, chunked\r\n", "a coding that nobody decodes"),
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
        // As many bytes as each length says, and as chunks an end.
        assert_eq!(answers(&app, &post(lines, "0\r\n\r\n")).await, REFUSED, "{why}");
    }
    let folded = "POST /persons HTTP/1.1\r\n A: b\r\nHost: api\r\n\r\n";
    assert_eq!(answers(&app, folded).await, REFUSED, "a space before the first name");
}

#[tokio::test]
async fn a_request_with_both_length_and_chunks_is_read_as_chunks_and_is_the_last() {
    let app = TestApp::spawn().await;
    let length = "Content-Length: 4\r\n";
    for lines in [format!("{length}{CHUNKED}"), format!("{CHUNKED}{length}")] {
        assert_eq!(answers(&app, &post(&lines, "0\r\n\r\n")).await, [401]);
    }
}

#[tokio::test]
async fn chunks_are_as_the_standard_has_them_or_the_connection_ends() {
    let app = TestApp::spawn().await;
    for (body, why) in [
        ("10000000000000000\r\n{}", "a size beyond 64 bits"),
        ("-2\r\n{}\r\n0\r\n\r\n", "a signed size"),
        ("0x2\r\n{}\r\n0\r\n\r\n", "a prefix"),
        ("\r\n{}\r\n0\r\n\r\n", "no size"),
        ("2\n{}\n0\n\n", "bare LF"),
        ("2;a\nb\r\n{}\r\n0\r\n\r\n", "bare LF in an extension"),
        ("2\r\n{}xx0\r\n\r\n", "no line end behind the chunk"),
    ] {
        assert_eq!(answers(&app, &post(CHUNKED, body)).await, REFUSED, "{why}");
    }
    for (body, why) in [
        ("2;a=b\r\n{}\r\n0\r\n\r\n", "an extension"),
        ("02\r\n{}\r\n00\r\n\r\n", "leading zeros"),
        ("2\r\n{}\r\n0\r\nContent-Length: 9\r\n\r\n", "a trailer"),
    ] {
        assert_eq!(answers(&app, &post(CHUNKED, body)).await, BOTH, "{why}");
    }
}

#[tokio::test]
async fn a_request_has_one_host_that_is_one() {
    let app = TestApp::spawn().await;
    let get = |target: &str, hosts: &str| format!("GET {target} HTTP/1.1\r\n{hosts}\r\n");
    for hosts in ["", "Host: a\r\nHost: a\r\n", "Host: a b\r\n", "Host: a/b\r\n", "Host: a@b\r\n"] {
        assert_eq!(answers(&app, &get("/health/live", hosts)).await, REFUSED, "{hosts:?}");
    }
    for (target, hosts, why) in [
        ("/health/live", "Host:\r\n", "an empty one"),
        ("/health/live", "Host: [::1]:5000\r\n", "one with a port"),
        ("http://other/health/live", "Host: api\r\n", "that of the target counts"),
    ] {
        assert_eq!(answers(&app, &get(target, hosts)).await, [200, 200], "{why}");
    }
}

#[tokio::test]
async fn what_can_be_understood_in_one_way_only_is_served() {
    let app = TestApp::spawn().await;
    for (bytes, why) in [
        (post("Content-Length: 2\r\nContent-Length: 2\r\n", "{}"), "one length twice"),
        (post("Transfer-Encoding: CHUNKED\r\n", "0\r\n\r\n"), "capitals"),
        (post("Transfer_Encoding: chunked\r\nContent-Length: 2\r\n", "{}"), "another name"),
        (post("Content-Length: 2\nA: b\n", "{}"), "lines that end in LF alone"),
        (format!("\r\n\r\n{}", post("", "")), "empty lines before it"),
    ] {
        assert_eq!(answers(&app, &bytes).await, BOTH, "{why}");
    }
    let length = NEXT.len();
    let get = format!("GET /health/live HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n");
    assert_eq!(answers(&app, &format!("{get}{NEXT}")).await, [200, 200], "a GET with a body");
}
