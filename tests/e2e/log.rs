//! The log lines of requests.

use std::process::Stdio;

use reqwest::Client;
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use crate::{
    accounts::{PASSWORD, sign_up},
    harness::{ServerProcess, TestApp},
};

#[tokio::test]
async fn a_log_line_has_the_request_id_and_the_account_id() {
    let app = TestApp::spawn().await;
    let request = app.request_as(&app.member.token, "GET", "/accounts/me");
    let me: Value = request.send().await.expect("a response").json().await.expect("an account");
    let server = ServerProcess::start_logging(&app, &[("RUST_LOG", "info")], Stdio::piped());
    let mine = server.get(&app, "/persons?q=secret").header("x-request-id", "mine");
    let url = format!("http://{}/persons?q=secret", server.address);
    let anonymous = Client::new().get(url).header("x-request-id", "anonymous");
    for (request, status) in [(mine, 200), (anonymous, 401)] {
        assert_eq!(request.send().await.expect("a response").status(), status);
    }
    let log = spawn_blocking(|| server.stop_for_log()).await.expect("no panic");
    let line = |id: &str| {
        let name = format!("request_id={id}");
        log.lines()
            .find(|line| line.contains(&name))
            .unwrap_or_else(|| panic!("no line of {id} in {log}"))
    };
    let account = format!("account_id={}", me["id"].as_str().expect("an id"));
    assert!(line("mine").contains(&account), "{log}");
    assert!(!line("anonymous").contains("account_id"), "{log}");
    assert!(!log.contains("secret"), "{log}");
}

#[tokio::test]
async fn the_log_of_an_unexpected_error_has_no_values() {
    let app = TestApp::spawn().await;
    let owner = app.database.connect().await;
    let change = "DELETE FROM persons; ALTER TABLE persons ADD COLUMN required int NOT NULL";
    owner.batch_execute(change).await.expect("the owner");
    let server = ServerProcess::start_logging(&app, &[("RUST_LOG", "info")], Stdio::piped());
    let url = format!("http://{}/persons", server.address);
    let request = Client::new().post(url).bearer_auth(&app.member.token);
    let response =
        request.json(&json!({ "name": "Secret Name", "emails": ["ada@example.com"] })).send().await;
    assert_eq!(response.expect("a response").status(), 500);
    let log = spawn_blocking(|| server.stop_for_log()).await.expect("no panic");
    assert!(log.contains("violates not-null constraint (23502)"), "{log}");
    assert!(!log.contains("Secret Name"), "{log}");
}

#[tokio::test]
async fn the_log_line_of_a_log_in_has_the_account_id() {
    let app = TestApp::spawn().await;
    let account: Value = sign_up(&app, "a@tests.example").await.json().await.expect("an account");
    let server = ServerProcess::start_logging(&app, &[("RUST_LOG", "info")], Stdio::piped());
    for (password, status) in [(PASSWORD, 201), ("a wrong password", 401)] {
        let url = format!("http://{}/sessions", server.address);
        let body = json!({ "email": "a@tests.example", "password": password });
        let request = Client::new().post(url).header("x-request-id", format!("is-{status}"));
        assert_eq!(request.json(&body).send().await.expect("a response").status(), status);
    }
    let log = spawn_blocking(|| server.stop_for_log()).await.expect("no panic");
    let id = account["id"].as_str().expect("an id");
    assert_eq!(log.matches(id).count(), 1, "{log}");
    let line = log.lines().find(|line| line.contains("request_id=is-201")).expect("a line");
    assert!(line.contains(&format!("account_id={id}")), "{log}");
}

#[tokio::test]
async fn log_lines_have_no_colours_without_a_terminal() {
    let app = TestApp::spawn().await;
    // With traces, log lines also have the fields of spans. The collector is unreachable, because nothing listens on
    // port 1.
    let variables = [("RUST_LOG", "info"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")];
    let server = ServerProcess::start_logging(&app, &variables, Stdio::piped());
    server.get(&app, "/persons").send().await.expect("a response");
    let log = spawn_blocking(|| server.stop_for_log()).await.expect("no panic");
    assert!(log.contains("answered"), "{log}");
    assert!(!log.contains('\u{1b}'), "{log:?}");
}
