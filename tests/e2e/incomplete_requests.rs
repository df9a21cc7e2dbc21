//! Thousands of clients that only hold connections must not block other clients.

use std::time::Duration;

use futures_util::{StreamExt, stream};

use crate::harness::{ServerProcess, TestApp, Wire};

/// The server's default limit, minus a few connections for other clients.
const IDLE_CLIENTS: usize = 9_990;

/// Incomplete requests.
const HALVES: [&str; 4] = [
    "",
    "GET /health/live HTTP/1.1\r\nHost: a",
    "POST /persons HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{",
    "PRI * HTTP/2.0\r\n",
];

/// Opens connections that each send an incomplete request.
async fn open_incomplete(address: std::net::SocketAddr, count: usize) -> Vec<Wire> {
    let connect = |number: usize| async move {
        let mut wire = Wire::connect(address).await;
        wire.send(HALVES[number % HALVES.len()]).await;
        wire
    };
    stream::iter(0..count).map(connect).buffer_unordered(64).collect().await
}

#[tokio::test]
#[ignore = "takes long"]
async fn ten_thousand_incomplete_requests_do_not_block_other_clients() {
    #[cfg(unix)]
    {
        // The server process inherits the limit of open files from this process.
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).expect("the hard limit");
    }
    let app = TestApp::spawn().await;
    let timeouts = [("API_HEADER_TIMEOUT_SECONDS", "600"), ("API_BODY_TIMEOUT_SECONDS", "600")];
    let server = ServerProcess::start(&app, &timeouts);
    let idle = open_incomplete(server.address, IDLE_CLIENTS).await;
    for path in ["/health/live", "/health/ready", "/persons"] {
        let request = server.get(&app, path).timeout(Duration::from_secs(10));
        assert_eq!(request.send().await.expect("a response").status(), 200, "{path}");
    }
    let memory = server.memory();
    assert!(memory < 700, "{memory} MiB");
    for wire in idle {
        assert!(wire.is_open(), "the server closed a connection before its timeout");
    }
}

#[tokio::test]
async fn over_the_limit_a_client_is_served_after_timeouts_close_other_connections() {
    let limits = [
        ("API_MAX_CONNECTIONS", "50"),
        ("API_HEADER_TIMEOUT_SECONDS", "1"),
        ("API_BODY_TIMEOUT_SECONDS", "1"),
    ];
    let app = TestApp::spawn_with(&limits).await;
    // Opens twice as many connections as the server allows.
    let idle = open_incomplete(app.address, 100).await;
    let mut wire = Wire::connect(app.address).await;
    wire.get("/health/live").await;
    assert!(wire.response().await.starts_with("HTTP/1.1 200 "));
    drop(idle);
}
