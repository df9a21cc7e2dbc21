//! What the log tells of requests to a database.

use std::process::Stdio;

use reqwest::Client;
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use crate::{
    accounts::{PASSWORD, sign_up},
    harness::{ServerProcess, TestApp},
};

#[tokio::test]
async fn a_line_names_the_request_and_the_account_that_sends_it() {
    let app = TestApp::spawn().await;
    let request = app.request_as(&app.member.token, "GET", "/accounts/me");
    let me: Value = request.send().await.expect("an answer").json().await.expect("an account");
    let server = ServerProcess::start_logging(&app, &[("RUST_LOG", "info")], Stdio::piped());
    let mine = server.get(&app, "/persons?q=secret").header("x-request-id", "mine");
    let url = format!("http://{}/persons?q=secret", server.address);
    let strangers = Client::new().get(url).header("x-request-id", "a-stranger-s");
    for (request, status) in [(mine, 200), (strangers, 401)] {
        assert_eq!(request.send().await.expect("an answer").status(), status);
    }
    let log = spawn_blocking(|| server.stop_for_log()).await.expect("no panic");
    let line = |id: &str| {
        let name = format!("request_id={id}");
        log.lines().find(|line| line.contains(&name)).unwrap_or_else(|| panic!("no {id}: {log}"))
    };
    let account = format!("account_id={}", me["id"].as_str().expect("an id"));
    assert!(line("mine").contains(&account), "{log}");
    assert!(!line("a-stranger-s").contains("account_id"), "{log}");
    assert!(!log.contains("secret"), "{log}");
}

#[tokio::test]
async fn the_line_of_a_log_in_names_its_account() {
    let app = TestApp::spawn().await;
    let account: Value = sign_up(&app, "a@tests.example").await.json().await.expect("an account");
    let server = ServerProcess::start_logging(&app, &[("RUST_LOG", "info")], Stdio::piped());
    for (password, status) in [(PASSWORD, 201), ("a wrong password", 401)] {
        let url = format!("http://{}/sessions", server.address);
        let body = json!({ "email": "a@tests.example", "password": password });
        let request = Client::new().post(url).header("x-request-id", format!("is-{status}"));
        assert_eq!(request.json(&body).send().await.expect("an answer").status(), status);
    }
    let log = spawn_blocking(|| server.stop_for_log()).await.expect("no panic");
    let id = account["id"].as_str().expect("an id");
    assert_eq!(log.matches(id).count(), 1, "{log}");
    let line = log.lines().find(|line| line.contains("request_id=is-201")).expect("a line");
    assert!(line.contains(&format!("account_id={id}")), "{log}");
}

#[tokio::test]
async fn no_line_is_coloured_where_there_is_no_terminal() {
    let app = TestApp::spawn().await;
    // With traces, a line has the fields of a span as well. Nothing listens on port 1.
    let variables = [("RUST_LOG", "info"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")];
    let server = ServerProcess::start_logging(&app, &variables, Stdio::piped());
    server.get(&app, "/persons").send().await.expect("an answer");
    let log = spawn_blocking(|| server.stop_for_log()).await.expect("no panic");
    assert!(log.contains("answered"), "{log}");
    assert!(!log.contains('\u{1b}'), "{log:?}");
}
