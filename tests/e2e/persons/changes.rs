//! Persons replaced, patched and deleted, and versions that keep writers from undoing each other.

use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

use super::{create, get};
use crate::harness::{TestApp, problem};

async fn send(
    app: &TestApp,
    method: &str,
    path: &str,
    etag: Option<&str>,
    body: Value,
) -> Response {
    let mut request = request(app, method, path).json(&body);
    if let Some(etag) = etag {
        request = request.header("if-match", etag);
    }
    request.send().await.expect("an answer")
}

/// By who may do this.
fn request(app: &TestApp, method: &str, path: &str) -> RequestBuilder {
    match method {
        "DELETE" => app.request_as_admin(method, path),
        _ => app.request(method, path),
    }
}

fn path(person: &Value) -> String {
    format!("/persons/{}", person["id"].as_str().expect("a string"))
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_null_removes() {
    let app = TestApp::spawn().await;
    let created = create(&app, "Ada").await;
    assert!(created.get("nickname").is_none(), "absent, not null: {created}");
    let path = path(&created);
    for (patch, name, nickname) in [
        (json!({ "nickname": "A" }), "Ada", Some("A")),
        (json!({ "name": "Ada King" }), "Ada King", Some("A")),
        (json!({ "nickname": null }), "Ada King", None),
        (json!({}), "Ada King", None),
    ] {
        let response = send(&app, "PATCH", &path, None, patch).await;
        assert_eq!(response.status(), 200);
        let person: Value = response.json().await.expect("JSON");
        assert_eq!(person["name"], name);
        assert_eq!(person.get("nickname").and_then(Value::as_str), nickname);
        assert_eq!(person["emails"], created["emails"]);
        assert_eq!(person["created_at"], created["created_at"]);
        assert_eq!(get(&app, &path).await.json::<Value>().await.expect("JSON"), person);
    }
}

#[tokio::test]
async fn a_patch_that_is_not_valid_changes_nothing() {
    let app = TestApp::spawn().await;
    let created = create(&app, "Ada").await;
    for patch in [
        json!({ "name": null }),
        json!({ "name": "" }),
        json!({ "emails": null }),
        json!({ "emails": [] }),
        json!({ "version": 7 }),
        json!([]),
    ] {
        let response = send(&app, "PATCH", &path(&created), None, patch).await;
        problem(response, 422).await;
    }
    let response = send(
        &app,
        "PATCH",
        &path(&created),
        None,
        json!({ "emails": ["a@example.com", "A@example.com"] }),
    )
    .await;
    problem(response, 409).await;
    let found: Value = get(&app, &path(&created)).await.json().await.expect("JSON");
    assert_eq!(found, created);
}

#[tokio::test]
async fn a_replacement_keeps_the_ids_of_addresses_that_stay() {
    let app = TestApp::spawn().await;
    let created = create(&app, "Ada").await;
    let body = json!({ "name": "Ada", "emails": ["new@example.com", "someone@example.com"] });
    let response = send(&app, "PUT", &path(&created), None, body).await;
    assert_eq!(response.status(), 200);
    let replaced: Value = response.json().await.expect("JSON");
    assert_eq!(replaced["emails"][0], created["emails"][0]);
    assert_eq!(replaced["emails"][1]["address"], "new@example.com");
    assert_eq!(replaced["version"], 2);

    let body = json!({ "name": "Ada", "emails": ["SOMEONE@example.com"] });
    let response = send(&app, "PUT", &path(&created), None, body).await;
    let replaced: Value = response.json().await.expect("JSON");
    assert_eq!(replaced["emails"].as_array().expect("a list").len(), 1);
    assert_eq!(replaced["emails"][0]["address"], "SOMEONE@example.com");
}

#[tokio::test]
async fn a_stale_writer_is_told_and_changes_nothing() {
    let app = TestApp::spawn().await;
    let created = create(&app, "Ada").await;
    let path = path(&created);
    let response = get(&app, &path).await;
    let first = response.headers()["etag"].to_str().expect("ASCII").to_owned();
    let body = json!({ "name": "Ada King", "emails": ["someone@example.com"] });
    let response = send(&app, "PUT", &path, Some(&first), body.clone()).await;
    assert_eq!(response.status(), 200);
    let second = response.headers()["etag"].to_str().expect("ASCII").to_owned();
    assert_ne!(first, second);

    for (method, body) in [("PUT", body), ("PATCH", json!({ "name": "X" })), ("DELETE", json!({}))]
    {
        problem(send(&app, method, &path, Some(&first), body).await, 412).await;
    }
    let found = get(&app, &path).await;
    assert_eq!(found.headers()["etag"], second);
    assert_eq!(found.json::<Value>().await.expect("JSON")["name"], "Ada King");
}

#[tokio::test]
async fn two_writers_with_the_same_version_cannot_both_win() {
    let app = TestApp::spawn().await;
    let path = path(&create(&app, "Ada").await);
    let writers = (0..8).map(|number| {
        let body = json!({ "name": format!("Ada {number}") });
        let request = app.request("PATCH", &path).json(&body).header("if-match", "\"1\"");
        tokio::spawn(request.send())
    });
    let mut statuses = Vec::new();
    for writer in writers.collect::<Vec<_>>() {
        statuses.push(writer.await.expect("no panic").expect("an answer").status().as_u16());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412, 412, 412, 412, 412, 412, 412]);
}

#[tokio::test]
async fn what_a_reader_has_already_is_304() {
    let app = TestApp::spawn().await;
    let path = path(&create(&app, "Ada").await);
    for (known, status) in [("\"1\"", 304), ("\"0\", \"1\"", 304), ("*", 304), ("\"2\"", 200)] {
        let request = app.get(&path).header("if-none-match", known);
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), status, "{known}");
        assert_eq!(response.headers()["etag"], "\"1\"");
        assert_eq!(response.text().await.expect("a text").is_empty(), status == 304);
    }
}

#[tokio::test]
async fn a_deleted_person_is_gone_with_its_addresses() {
    let app = TestApp::spawn().await;
    let path = path(&create(&app, "Ada").await);
    let response = app.request_as_admin("DELETE", &path).send().await.expect("an answer");
    assert_eq!(response.status(), 204);
    for (method, path) in [
        ("GET", path.clone()),
        ("DELETE", path.clone()),
        ("GET", format!("{path}/emails")),
        ("PATCH", path),
    ] {
        let request = request(&app, method, &path).json(&json!({}));
        problem(request.send().await.expect("an answer"), 404).await;
    }
}

#[tokio::test]
async fn a_version_that_is_no_ascii_is_refused_and_not_left_out() {
    let app = TestApp::spawn().await;
    let person = create(&app, "Ada").await;
    let path = path(&person);
    for (method, body) in [("PATCH", json!({ "name": "Eve" })), ("DELETE", Value::Null)] {
        problem(send(&app, method, &path, Some("\"\u{e4}\""), body).await, 400).await;
    }
    let known = app.get(&path).header("if-none-match", "\u{e4}").send().await.expect("an answer");
    problem(known, 400).await;
    assert_eq!(get(&app, &path).await.json::<Value>().await.expect("JSON"), person);
}
