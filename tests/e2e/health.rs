//! Liveness and readiness.

use db::admin;
use serde_json::{Value, json};

use crate::harness::{Database, TestApp, problem};

#[tokio::test]
async fn only_readiness_needs_the_database() {
    let app = TestApp::spawn_on(Database::absent(), &[]);
    let response = app.get("/health/live").send().await.expect("a response");
    assert_eq!(response.status(), 200);
    assert_eq!(response.json::<Value>().await.expect("JSON"), json!({ "status": "live" }));
    let response = app.get("/health/ready").send().await.expect("a response");
    problem(response, 503).await;
}

#[tokio::test]
async fn ready_returns_the_schema_version() {
    let app = TestApp::spawn().await;
    let response = app.get("/health/ready").send().await.expect("a response");
    assert_eq!(response.status(), 200);
    let expected = json!({ "status": "ready", "schema_version": db::migrations::latest() });
    assert_eq!(response.json::<Value>().await.expect("JSON"), expected);
}

#[tokio::test]
async fn readiness_changes_when_the_database_disappears_and_returns() {
    let app = TestApp::spawn().await;
    let response = app.get("/health/ready").send().await.expect("a response");
    assert_eq!(response.status(), 200);

    let (server, name) = (app.database.server().await, &app.database.name);
    let away = format!("{name}__away");
    app.database.end_connections().await;
    admin::rename(&server, name, &away).await.expect("the database has no connections");
    for path in ["/health/ready", "/persons"] {
        problem(app.get(path).send().await.expect("a response"), 503).await;
    }

    admin::rename(&server, &away, name).await.expect("the database has no connections");
    for path in ["/health/ready", "/persons"] {
        assert_eq!(app.get(path).send().await.expect("a response").status(), 200);
    }
}

#[tokio::test]
async fn a_missing_or_old_schema_is_not_ready() {
    let app = TestApp::spawn_on(Database::empty().await, &[]);
    problem(app.get("/health/ready").send().await.expect("a response"), 503).await;
    problem(app.get("/persons").send().await.expect("a response"), 503).await;

    let app = TestApp::spawn().await;
    let client = app.database.connect().await;
    let newest = "DELETE FROM refinery_schema_history WHERE version = $1";
    client.execute(newest, &[&db::migrations::latest()]).await.expect("a row");
    problem(app.get("/health/ready").send().await.expect("a response"), 503).await;
}
