//! The server process: graceful shutdown, time limits and recovery.

use std::time::Duration;

use db::Client;
use tokio::time::{sleep, timeout};

use crate::harness::{TestApp, Wire, problem};

/// Locks the table `persons` for as long as the connection is open.
async fn lock_persons(app: &TestApp) -> Client {
    let client = app.database.connect().await;
    client.batch_execute("BEGIN; LOCK TABLE persons").await.expect("the lock");
    client
}

/// Waits until a query waits for the lock.
async fn a_query_waits(client: &Client) {
    let waiting =
        "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'persons'::regclass)";
    while !client.query_one(waiting, &[]).await.expect("a response").get::<_, bool>(0) {
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn graceful_shutdown_finishes_requests_in_flight_and_accepts_no_others() {
    let app = TestApp::spawn().await;
    let (address, lock) = (app.address, lock_persons(&app).await);
    let request = tokio::spawn(app.get("/persons").send());
    a_query_waits(&lock).await;

    let (server, _database) = app.stop();
    while tokio::net::TcpStream::connect(address).await.is_ok() {
        sleep(Duration::from_millis(5)).await;
    }
    assert!(!request.is_finished());
    drop(lock);
    let response = request.await.expect("no panic").expect("a response");
    assert_eq!(response.status(), 200);
    timeout(Duration::from_secs(5), server)
        .await
        .expect("the server stops")
        .expect("no panic")
        .expect("ok");
}

#[tokio::test]
async fn graceful_shutdown_has_a_time_limit() {
    let app = TestApp::spawn_with(&[("API_SHUTDOWN_SECONDS", "1")]).await;
    let lock = lock_persons(&app).await;
    let request = tokio::spawn(app.get("/persons").send());
    a_query_waits(&lock).await;

    let (server, _database) = app.stop();
    timeout(Duration::from_secs(5), server)
        .await
        .expect("the server stops")
        .expect("no panic")
        .expect("ok");
    assert!(request.await.expect("no panic").is_err());
}

#[tokio::test]
async fn responses_during_shutdown_close_their_connection() {
    let app = TestApp::spawn().await;
    let lock = lock_persons(&app).await;
    let (mut busy, mut idle) = (Wire::connect(app.address).await, Wire::connect(app.address).await);
    idle.get("/health/live").await;
    assert!(!idle.response().await.contains("connection: close"));
    let token = &app.member.token;
    let head =
        format!("GET /persons HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer {token}\r\n\r\n");
    busy.send(&head).await;
    a_query_waits(&lock).await;

    let (_server, _database) = app.stop();
    assert_eq!(idle.rest().await, "");
    drop(lock);
    let response = busy.rest().await;
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
    assert!(response.contains("connection: close\r\n"), "{response}");
}

#[tokio::test]
async fn a_draining_server_keeps_serving_but_is_not_ready() {
    let app = TestApp::spawn_with(&[("API_DRAIN_SECONDS", "60")]).await;
    let (address, token) = (app.address, app.member.token.clone());
    let (server, _database) = app.stop();
    let client = reqwest::Client::new();
    let get = |path| client.get(format!("http://{address}{path}")).bearer_auth(&token).send();
    while get("/health/ready").await.expect("a response").status() == 200 {}
    problem(get("/health/ready").await.expect("a response"), 503).await;
    assert_eq!(get("/health/live").await.expect("a response").status(), 200);
    assert_eq!(get("/persons").await.expect("a response").status(), 200);

    // Simulates a second signal, which aborts the server.
    server.abort();
    assert!(server.await.expect_err("an aborted server").is_cancelled());
    assert!(get("/health/live").await.is_err());
}

#[tokio::test]
async fn a_request_timeout_returns_504() {
    let variables =
        [("API_REQUEST_TIMEOUT_SECONDS", "1"), ("DATABASE_STATEMENT_TIMEOUT_SECONDS", "60")];
    let app = TestApp::spawn_with(&variables).await;
    let _lock = lock_persons(&app).await;
    let response = timeout(Duration::from_secs(5), app.get("/persons").send()).await;
    problem(response.expect("a response in time").expect("a response"), 504).await;
}

#[tokio::test]
async fn a_query_timeout_returns_504() {
    let variables =
        [("API_REQUEST_TIMEOUT_SECONDS", "60"), ("DATABASE_STATEMENT_TIMEOUT_SECONDS", "1")];
    let app = TestApp::spawn_with(&variables).await;
    let _lock = lock_persons(&app).await;
    let response = timeout(Duration::from_secs(5), app.get("/persons").send()).await;
    problem(response.expect("a response in time").expect("a response"), 504).await;
}

#[tokio::test]
async fn an_exhausted_pool_returns_503_and_recovers() {
    let app =
        TestApp::spawn_with(&[("DATABASE_POOL_SIZE", "1"), ("DATABASE_WAIT_SECONDS", "1")]).await;
    let lock = lock_persons(&app).await;
    // Searches are not batched, so each search needs its own connection.
    let request = tokio::spawn(app.get("/persons?q=ada").send());
    a_query_waits(&lock).await;
    problem(app.get("/persons?q=ada").send().await.expect("a response"), 503).await;

    drop(lock);
    assert_eq!(request.await.expect("no panic").expect("a response").status(), 200);
    assert_eq!(app.get("/persons").send().await.expect("a response").status(), 200);
}

#[tokio::test]
async fn the_pool_recovers_from_ended_connections() {
    let app = TestApp::spawn().await;
    for _ in 0..3 {
        timeout(Duration::from_secs(5), wait_for_persons(&app)).await.expect("a recovered pool");
        assert!(app.database.end_connections().await >= 1);
    }
    timeout(Duration::from_secs(5), wait_for_persons(&app)).await.expect("a recovered pool");
}

/// Waits for the first response that is not a 503, because the pool may still hold ended connections.
async fn wait_for_persons(app: &TestApp) {
    loop {
        let response = app.get("/persons").send().await.expect("a response");
        if response.status() == 200 {
            return;
        }
        problem(response, 503).await;
    }
}
