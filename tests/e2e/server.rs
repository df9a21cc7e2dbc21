//! The server as a process: how it stops, how long it waits, and what it survives.

use std::time::Duration;

use db::Client;
use tokio::time::{sleep, timeout};

use crate::harness::{TestApp, Wire, problem};

/// Keeps every other connection from the persons for as long as it is open.
async fn lock_persons(app: &TestApp) -> Client {
    let client = app.database.connect().await;
    client.batch_execute("BEGIN; LOCK TABLE persons").await.expect("the lock");
    client
}

/// Resolves when somebody waits for the lock.
async fn somebody_waits(client: &Client) {
    let waiting =
        "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'persons'::regclass)";
    while !client.query_one(waiting, &[]).await.expect("an answer").get::<_, bool>(0) {
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_stop_lets_the_request_in_flight_finish_and_takes_no_other() {
    let app = TestApp::spawn().await;
    let (address, lock) = (app.address, lock_persons(&app).await);
    let request = tokio::spawn(app.get("/persons").send());
    somebody_waits(&lock).await;

    let (server, _database) = app.stop();
    while tokio::net::TcpStream::connect(address).await.is_ok() {
        sleep(Duration::from_millis(5)).await;
    }
    assert!(!request.is_finished());
    drop(lock);
    let response = request.await.expect("no panic").expect("an answer");
    assert_eq!(response.status(), 200);
    timeout(Duration::from_secs(5), server)
        .await
        .expect("it stops")
        .expect("no panic")
        .expect("ok");
}

#[tokio::test]
async fn a_request_in_flight_cannot_hold_up_a_stop_for_ever() {
    let app = TestApp::spawn_with(&[("API_SHUTDOWN_SECONDS", "1")]).await;
    let lock = lock_persons(&app).await;
    let request = tokio::spawn(app.get("/persons").send());
    somebody_waits(&lock).await;

    let (server, _database) = app.stop();
    timeout(Duration::from_secs(5), server)
        .await
        .expect("it stops")
        .expect("no panic")
        .expect("ok");
    assert!(request.await.expect("no panic").is_err());
}

#[tokio::test]
async fn an_answer_after_the_stop_is_the_last_of_its_connection() {
    let app = TestApp::spawn().await;
    let lock = lock_persons(&app).await;
    let (mut busy, mut idle) = (Wire::connect(app.address).await, Wire::connect(app.address).await);
    idle.get("/health/live").await;
    assert!(!idle.answer().await.contains("connection: close"));
    let token = &app.member.token;
    let head =
        format!("GET /persons HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer {token}\r\n\r\n");
    busy.send(&head).await;
    somebody_waits(&lock).await;

    let (_server, _database) = app.stop();
    assert_eq!(idle.rest().await, "");
    drop(lock);
    let answer = busy.rest().await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains("connection: close\r\n"), "{answer}");
}

#[tokio::test]
async fn while_it_drains_the_server_serves_on_and_is_not_ready() {
    let app = TestApp::spawn_with(&[("API_DRAIN_SECONDS", "60")]).await;
    let (address, token) = (app.address, app.member.token.clone());
    let (server, _database) = app.stop();
    let client = reqwest::Client::new();
    let get = |path| client.get(format!("http://{address}{path}")).bearer_auth(&token).send();
    while get("/health/ready").await.expect("an answer").status() == 200 {}
    problem(get("/health/ready").await.expect("an answer"), 503).await;
    assert_eq!(get("/health/live").await.expect("an answer").status(), 200);
    assert_eq!(get("/persons").await.expect("an answer").status(), 200);

    // What a second signal does.
    server.abort();
    assert!(server.await.expect_err("it was ended").is_cancelled());
    assert!(get("/health/live").await.is_err());
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_504() {
    let variables =
        [("API_REQUEST_TIMEOUT_SECONDS", "1"), ("DATABASE_STATEMENT_TIMEOUT_SECONDS", "60")];
    let app = TestApp::spawn_with(&variables).await;
    let _lock = lock_persons(&app).await;
    let response = timeout(Duration::from_secs(5), app.get("/persons").send()).await;
    problem(response.expect("an answer in time").expect("an answer"), 504).await;
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_504() {
    let variables =
        [("API_REQUEST_TIMEOUT_SECONDS", "60"), ("DATABASE_STATEMENT_TIMEOUT_SECONDS", "1")];
    let app = TestApp::spawn_with(&variables).await;
    let _lock = lock_persons(&app).await;
    let response = timeout(Duration::from_secs(5), app.get("/persons").send()).await;
    problem(response.expect("an answer in time").expect("an answer"), 504).await;
}

#[tokio::test]
async fn a_pool_without_a_free_connection_is_503_and_recovers() {
    let app =
        TestApp::spawn_with(&[("DATABASE_POOL_SIZE", "1"), ("DATABASE_WAIT_SECONDS", "1")]).await;
    let lock = lock_persons(&app).await;
    // Searches do not share their statements.
    let request = tokio::spawn(app.get("/persons?q=ada").send());
    somebody_waits(&lock).await;
    problem(app.get("/persons?q=ada").send().await.expect("an answer"), 503).await;

    drop(lock);
    assert_eq!(request.await.expect("no panic").expect("an answer").status(), 200);
    assert_eq!(app.get("/persons").send().await.expect("an answer").status(), 200);
}

#[tokio::test]
async fn the_pool_recovers_when_its_connections_are_ended() {
    let app = TestApp::spawn().await;
    for _ in 0..3 {
        timeout(Duration::from_secs(5), persons_are_back(&app)).await.expect("it recovers");
        assert!(app.database.end_connections().await >= 1);
    }
    timeout(Duration::from_secs(5), persons_are_back(&app)).await.expect("it recovers");
}

/// Resolves at the first answer that is not a 503: the pool may not have noticed yet.
async fn persons_are_back(app: &TestApp) {
    loop {
        let response = app.get("/persons").send().await.expect("an answer");
        if response.status() == 200 {
            return;
        }
        problem(response, 503).await;
    }
}
