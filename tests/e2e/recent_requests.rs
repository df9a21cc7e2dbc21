//! The development page `/dev/requests`.

use std::process::Stdio;

use reqwest::StatusCode;
use tokio::task::spawn_blocking;

use crate::harness::{ServerProcess, TestApp};

/// Set by the development server.
const DEV: (&str, &str) = ("RELOAD_FOLDER", "/nonexistent");

async fn read(app: &TestApp, server: &ServerProcess, path: &str) -> (StatusCode, String) {
    let response = server.get(app, path).send().await.expect("a response");
    (response.status(), response.text().await.expect("a body"))
}

#[tokio::test]
async fn requests_are_shown_with_queries_account_and_log() {
    let app = TestApp::spawn().await;
    let variables = [DEV, ("RUST_LOG", "info")];
    let server = ServerProcess::start_logging(&app, &variables, Stdio::piped());
    let response = server.get(&app, "/persons?q=secret-value").send().await.expect("a response");
    let id = response.headers()["x-request-id"].to_str().expect("ASCII").to_owned();

    let (status, html) = read(&app, &server, &format!("/dev/requests?id={id}")).await;
    assert_eq!(status, 200);
    assert_eq!(html.matches("<details open>").count(), 1, "{html}");
    let account = app.member.account.to_string();
    for fact in [
        "<b>200</b> <code>GET /persons</code>",
        "-- persons.",
        "FROM persons",
        &account,
        "status=200",
        &id,
    ] {
        assert!(html.contains(fact), "{fact} is missing in {html}");
    }
    assert!(!html.contains("secret-value"), "values are not recorded");
    assert!(!html.contains(&app.member.token), "secrets are not recorded");
    assert!(read(&app, &server, "/").await.1.contains(r#"href="/dev/requests""#));
    let log = spawn_blocking(|| server.stop_for_log()).await.expect("no panic");
    assert!(log.contains(&format!("request_id={id}")), "{log}");
    assert!(!log.contains("request{"), "lines do not repeat the span: {log}");
}

#[tokio::test]
async fn failed_and_slow_queries_are_marked() {
    let app = TestApp::spawn().await;
    let server = ServerProcess::start_logging(
        &app,
        &[DEV, ("DATABASE_STATEMENT_TIMEOUT_SECONDS", "1")],
        Stdio::null(),
    );
    let blocker = app.database.connect().await;
    blocker.batch_execute("BEGIN; LOCK TABLE persons").await.expect("a lock");
    assert_eq!(read(&app, &server, "/persons").await.0, 504);
    blocker.batch_execute("ROLLBACK").await.expect("a connection");
    let html = read(&app, &server, "/dev/requests").await.1;
    assert!(html.contains(r#"<summary class="failed"><b>504</b>"#), "{html}");
    assert!(html.contains(r#"<figure class="failed">"#), "{html}");
}

#[tokio::test]
async fn only_the_last_requests_are_kept() {
    let app = TestApp::spawn().await;
    let server = ServerProcess::start_logging(&app, &[DEV], Stdio::null());
    for number in 0..150 {
        read(&app, &server, &format!("/unknown/{number}")).await;
    }
    let html = read(&app, &server, "/dev/requests").await.1;
    assert_eq!(html.matches("<details").count(), 100);
}

#[tokio::test]
async fn the_page_exists_only_in_development() {
    let app = TestApp::spawn().await;
    for variables in [&[][..], &[DEV, ("APP_ENV", "production")]] {
        let server = ServerProcess::start_logging(&app, variables, Stdio::null());
        assert_eq!(read(&app, &server, "/dev/requests").await.0, 404, "{variables:?}");
    }
}
