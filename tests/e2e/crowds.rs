//! Thousands of clients that only hold connections, and what an honest one then sees.

use std::time::Duration;

use futures_util::{StreamExt, stream};

use crate::harness::{ServerProcess, TestApp, Wire};

/// As many as the server takes by default, but for a few honest ones.
const CROWD: usize = 9_990;

/// Ways to begin something and not go on.
const HALVES: [&str; 4] = [
    "",
    "GET /health/live HTTP/1.1\r\nHost: a",
    "POST /persons HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{",
    "PRI * HTTP/2.0\r\n",
];

/// Connections that have sent the half of something each.
async fn crowd(address: std::net::SocketAddr, count: usize) -> Vec<Wire> {
    let connect = |number: usize| async move {
        let mut wire = Wire::connect(address).await;
        wire.send(HALVES[number % HALVES.len()]).await;
        wire
    };
    stream::iter(0..count).map(connect).buffer_unordered(64).collect().await
}

#[tokio::test]
#[ignore = "takes long"]
async fn ten_thousand_half_open_connections_keep_nobody_out() {
    #[cfg(unix)]
    {
        // The server inherits it.
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).expect("we may");
    }
    let app = TestApp::spawn().await;
    let patient = [("API_HEADER_TIMEOUT_SECONDS", "600"), ("API_BODY_TIMEOUT_SECONDS", "600")];
    let server = ServerProcess::start(&app, &patient);
    let crowd = crowd(server.address, CROWD).await;
    for path in ["/health/live", "/health/ready", "/persons"] {
        let request = server.get(&app, path).timeout(Duration::from_secs(10));
        assert_eq!(request.send().await.expect("an answer").status(), 200, "{path}");
    }
    let memory = server.memory();
    assert!(memory < 700, "{memory} MiB");
    for wire in crowd {
        assert!(wire.is_open(), "the server has ended it");
    }
}

#[tokio::test]
async fn beyond_the_cap_an_honest_client_is_served_once_those_before_it_are_late() {
    let limits = [
        ("API_MAX_CONNECTIONS", "50"),
        ("API_HEADER_TIMEOUT_SECONDS", "1"),
        ("API_BODY_TIMEOUT_SECONDS", "1"),
    ];
    let app = TestApp::spawn_with(&limits).await;
    // Twice as many as there are places.
    let crowd = crowd(app.address, 100).await;
    let mut honest = Wire::connect(app.address).await;
    honest.get("/health/live").await;
    assert!(honest.answer().await.starts_with("HTTP/1.1 200 "));
    drop(crowd);
}
