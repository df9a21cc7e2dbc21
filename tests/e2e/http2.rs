//! HTTP/2 without TLS, as a proxy uses it.

use std::{
    future::poll_fn,
    time::{Duration, Instant},
};

use bytes::Bytes;
use h2::{
    Ping,
    client::{self, SendRequest},
};
use http::Request;
use tokio::{
    net::TcpStream,
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::harness::TestApp;

type Ended = JoinHandle<Result<(), h2::Error>>;

async fn connect(app: &TestApp) -> (SendRequest<Bytes>, Ended) {
    let stream = TcpStream::connect(app.address).await.expect("a connection");
    let (requests, connection) = client::handshake(stream).await.expect("HTTP/2");
    (requests, tokio::spawn(connection))
}

fn live() -> Request<()> {
    Request::get("http://api/health/live").body(()).expect("a request")
}

async fn status(requests: &mut SendRequest<Bytes>) -> u16 {
    let mut ready = requests.clone().ready().await.expect("a stream");
    let (response, _) = ready.send_request(live(), true).expect("sent");
    response.await.expect("a response").status().as_u16()
}

#[tokio::test]
async fn a_connection_has_at_most_100_streams() {
    let app = TestApp::spawn().await;
    let (mut requests, _ended) = connect(&app).await;
    assert_eq!(status(&mut requests).await, 200);
    assert_eq!(requests.current_max_send_streams(), 100);
}

#[tokio::test]
async fn many_cancelled_requests_close_only_their_connection() {
    let app = TestApp::spawn().await;
    let (requests, ended) = connect(&app).await;
    for _ in 0..10_000 {
        let Ok(mut ready) = requests.clone().ready().await else { break };
        let Ok((_, mut stream)) = ready.send_request(live(), true) else { break };
        stream.send_reset(h2::Reason::CANCEL);
    }
    let ended = timeout(Duration::from_secs(10), ended).await.expect("an end in time");
    ended.expect("no panic").expect_err("the server closes the connection");

    let (mut requests, _ended) = connect(&app).await;
    assert_eq!(status(&mut requests).await, 200);
}

#[tokio::test]
async fn pings_do_not_keep_an_idle_connection_open() {
    let app = TestApp::spawn_with(&[("API_IDLE_TIMEOUT_SECONDS", "1")]).await;
    let stream = TcpStream::connect(app.address).await.expect("a connection");
    let (mut requests, mut connection) = client::handshake(stream).await.expect("HTTP/2");
    let mut pings = connection.ping_pong().expect("the first call");
    let ended = tokio::spawn(connection);
    assert_eq!(status(&mut requests).await, 200);
    let pinging = async { while pings.ping(Ping::opaque()).await.is_ok() {} };
    timeout(Duration::from_secs(10), pinging).await.expect("an end in time");
    // The connection ends with or without an error, as on every idle timeout.
    let _ = ended.await.expect("no panic");
}

#[tokio::test]
async fn a_response_may_take_longer_than_the_idle_timeout() {
    let app = TestApp::spawn_with(&[("API_IDLE_TIMEOUT_SECONDS", "1")]).await;
    let stream = TcpStream::connect(app.address).await.expect("a connection");
    // The client allows the server to send one small part after another.
    let mut client = client::Builder::new();
    let client = client.initial_window_size(16_384);
    let (requests, connection) = client.handshake::<_, Bytes>(stream).await.expect("HTTP/2");
    let _ended = tokio::spawn(connection);
    let mut ready = requests.ready().await.expect("a stream");
    let request = Request::get("http://api/docs").body(()).expect("a request");
    let (response, _) = ready.send_request(request, true).expect("sent");
    let response = response.await.expect("a response");
    let length: usize =
        response.headers()["content-length"].to_str().map_or(0, |it| it.parse().expect("a number"));
    let (mut body, mut read) = (response.into_body(), 0);
    let started = Instant::now();
    while let Some(part) = body.data().await {
        let part = part.expect("the connection stays open").len();
        read += part;
        if started.elapsed() < Duration::from_secs(3) {
            sleep(Duration::from_millis(50)).await;
        }
        body.flow_control().release_capacity(part).expect("received bytes");
    }
    assert_eq!(read, length);
    assert!(started.elapsed() > Duration::from_secs(2), "the response is too short for this test");
}

#[tokio::test]
async fn an_old_connection_closes_without_failing_a_request() {
    let app = TestApp::spawn_with(&[("API_MAX_CONNECTION_AGE_SECONDS", "1")]).await;
    let (requests, ended) = connect(&app).await;
    let started = Instant::now();
    // Fails when the server has announced the end.
    while let Ok(mut ready) = requests.clone().ready().await {
        let Ok((response, _)) = ready.send_request(live(), true) else { break };
        match response.await {
            Ok(response) => assert_eq!(response.status(), 200),
            // The server has not handled this request, so a client repeats it on another connection.
            Err(error) => {
                assert!(
                    error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR),
                    "{error}"
                );
                break;
            }
        }
        assert!(started.elapsed() < Duration::from_secs(10), "the connection stays open");
    }
    drop(requests);
    ended.await.expect("no panic").expect("a graceful end");
}

#[tokio::test]
async fn graceful_shutdown_closes_an_idle_connection() {
    let app = TestApp::spawn().await;
    let (mut requests, ended) = connect(&app).await;
    assert_eq!(status(&mut requests).await, 200);
    let (server, _database) = app.stop();
    server.await.expect("no panic").expect("ok");
    ended.await.expect("no panic").expect("a graceful end");
}

#[tokio::test]
async fn an_endless_body_returns_413_and_is_not_read_further() {
    let app = TestApp::spawn_with(&[("API_BODY_LIMIT_BYTES", "16384")]).await;
    let (requests, _ended) = connect(&app).await;
    let request = Request::post("http://api/persons")
        .header("authorization", format!("Bearer {}", app.member.token))
        .header("content-type", "application/json");
    let mut ready = requests.clone().ready().await.expect("a stream");
    let (response, mut body) =
        ready.send_request(request.body(()).expect("a request"), false).expect("sent");
    let flood = async {
        let mut sent = 0_usize;
        loop {
            body.reserve_capacity(16_384);
            // Without capacity, the server has stopped reading or has reset the stream.
            let Some(Ok(capacity)) = poll_fn(|context| body.poll_capacity(context)).await else {
                break;
            };
            if body.send_data(vec![b'a'; capacity].into(), false).is_err() {
                break;
            }
            sent += capacity;
            assert!(sent < 64 << 20, "the server read {sent} bytes");
        }
        std::future::pending().await
    };
    let status = tokio::select! {
        response = response => response.expect("a response").status(),
        never = flood => never,
    };
    assert_eq!(status, 413);
    let (mut requests, _ended) = connect(&app).await;
    assert_eq!(self::status(&mut requests).await, 200);
}
