//! `Idempotency-Key`: stored responses.

use serde_json::{Value, json};
use store::idempotency_keys::delete_old;

use crate::harness::TestApp;

async fn person(app: &TestApp) -> String {
    app.create("/persons", json!({})).await["id"].as_str().expect("an id").to_owned()
}

/// The stored bytes must be returned unchanged, because a later release may not be able to parse them.
#[tokio::test]
async fn repeated_request_returns_the_stored_status_headers_and_bytes() {
    let app = TestApp::spawn().await;
    let client = app.database.connect().await;
    let emails = format!("/persons/{}/emails", person(&app).await);
    for (path, body) in [
        ("/persons", json!({ "name": "Ada", "emails": ["ada@example.com"] })),
        (&emails, json!({ "address": "other@example.com" })),
    ] {
        let send = async || {
            let request = app.post(path, &body).header("idempotency-key", path);
            request.send().await.expect("a response")
        };
        let first = send().await;
        let repeated = send().await;
        assert_eq!(first.status(), 201);
        for name in ["content-type", "location", "etag"] {
            assert_eq!(first.headers().get(name), repeated.headers().get(name), "{path}: {name}");
        }
        let (first, repeated) = (first.text().await, repeated.text().await);
        assert_eq!(first.expect("a text"), repeated.expect("a text"), "{path}");

        let change = "UPDATE idempotency_keys SET status = 202, answer = '{ \"old\" : 1 }',
            headers = '{\"content-type\": \"application/json\", \"etag\": \"\\\"7\\\"\"}'";
        client.execute(change, &[]).await.expect("a table");
        let replayed = send().await;
        assert_eq!(replayed.status(), 202, "{path}");
        assert_eq!(replayed.headers()["etag"], "\"7\"", "{path}");
        assert!(!replayed.headers().contains_key("location"), "{path}");
        assert_eq!(replayed.text().await.expect("a text"), "{ \"old\" : 1 }", "{path}");
    }
}

#[tokio::test]
async fn response_of_an_earlier_release_has_the_status_201() {
    let app = TestApp::spawn().await;
    let client = app.database.connect().await;
    let body = json!({ "name": "Ada", "emails": ["ada@example.com"] });
    let send = async || {
        let request = app.post("/persons", &body).header("idempotency-key", "k");
        request.send().await.expect("a response")
    };
    let first: Value = send().await.json().await.expect("JSON");
    // Simulates a row of an earlier release, which stored neither the status nor the headers.
    let change = "UPDATE idempotency_keys SET status = DEFAULT, headers = DEFAULT";
    client.execute(change, &[]).await.expect("a table");
    let repeated = send().await;
    assert_eq!(repeated.status(), 201);
    assert_eq!(repeated.headers()["content-type"], "application/json");
    assert_eq!(repeated.json::<Value>().await.expect("JSON"), first);
}

#[tokio::test]
async fn responses_are_deleted_after_24_hours() {
    let app = TestApp::spawn().await;
    let client = app.database.connect().await;
    let insert = "INSERT INTO idempotency_keys (key, fingerprint, answer, created_at)
        SELECT number::text, '', '', now() - make_interval(hours => CASE WHEN number <= 1500 THEN 25 ELSE 23 END)
        FROM generate_series(1, 1503) AS number";
    client.execute(insert, &[]).await.expect("a table");
    assert_eq!(delete_old(&client).await.expect("a number"), 1000);
    assert_eq!(delete_old(&client).await.expect("a number"), 500);
    let count = client.query_one("SELECT count(*) FROM idempotency_keys", &[]).await;
    assert_eq!(count.expect("a row").get::<_, i64>(0), 3);
}
