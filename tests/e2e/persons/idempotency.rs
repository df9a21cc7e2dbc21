//! Requests that are repeated with an Idempotency-Key.

use reqwest::Response;
use serde_json::{Value, json};

use super::{create, get};
use crate::harness::{TestApp, problem};

async fn post(app: &TestApp, path: &str, key: &str, body: &Value) -> Response {
    let request = app.post(path, body).header("idempotency-key", key);
    request.send().await.expect("an answer")
}

#[tokio::test]
async fn a_repeated_request_is_answered_again_and_done_once() {
    let app = TestApp::spawn().await;
    let person = create(&app, "Ada").await;
    let emails = format!("/persons/{}/emails", person["id"].as_str().expect("a string"));
    let body = json!({ "name": "Grace", "emails": ["g@example.com"] });
    for (path, body) in [
        ("/persons", body.clone()),
        ("/persons/batch", json!({ "items": [body] })),
        (&emails, json!({ "address": "second@example.com" })),
    ] {
        let first = post(&app, path, path, &body).await;
        assert_eq!(first.status(), 201);
        let second = post(&app, path, path, &body).await;
        assert_eq!(second.status(), 201);
        assert_eq!(first.headers().get("location"), second.headers().get("location"));
        let (first, second) = (first.text().await, second.text().await);
        assert_eq!(first.expect("a text"), second.expect("a text"));
    }
    let page: Value = get(&app, "/persons").await.json().await.expect("JSON");
    assert_eq!(page["items"].as_array().expect("a list").len(), 3);
}

#[tokio::test]
async fn a_key_with_another_body_or_operation_is_refused() {
    let app = TestApp::spawn().await;
    let body = json!({ "name": "Ada", "emails": ["a@example.com"] });
    assert_eq!(post(&app, "/persons", "k", &body).await.status(), 201);
    let other = json!({ "name": "Ada", "emails": ["b@example.com"] });
    problem(post(&app, "/persons", "k", &other).await, 422).await;
    problem(post(&app, "/persons/batch", "k", &json!({ "items": [body] })).await, 422).await;
}

#[tokio::test]
async fn a_key_that_is_no_visible_ascii_is_refused_and_nothing_is_done() {
    let app = TestApp::spawn().await;
    let body = json!({ "name": "Ada", "emails": ["a@example.com"] });
    for key in ["", " ", "a b", &"k".repeat(256)] {
        problem(post(&app, "/persons", key, &body).await, 422).await;
    }
    for key in ["!", "~", &"k".repeat(255)] {
        assert_eq!(post(&app, "/persons", key, &body).await.status(), 201);
    }
    let page: Value = get(&app, "/persons").await.json().await.expect("JSON");
    assert_eq!(page["items"].as_array().expect("a list").len(), 3);
}

#[tokio::test]
async fn many_at_once_with_one_key_make_one_row() {
    let app = TestApp::spawn().await;
    let body = json!({ "name": "Ada", "emails": ["a@example.com"] });
    let send = |_| tokio::spawn(app.post("/persons", &body).header("idempotency-key", "k").send());
    let mut bodies = Vec::new();
    for sent in (0..10).map(send).collect::<Vec<_>>() {
        let response = sent.await.expect("no panic").expect("an answer");
        assert_eq!(response.status(), 201);
        bodies.push(response.text().await.expect("a text"));
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1);
    let page: Value = get(&app, "/persons").await.json().await.expect("JSON");
    assert_eq!(page["items"].as_array().expect("a list").len(), 1);
}

#[tokio::test]
async fn a_request_that_failed_can_be_repeated_with_its_key() {
    let app = TestApp::spawn().await;
    let person = create(&app, "Ada").await;
    let emails = format!("/persons/{}/emails", person["id"].as_str().expect("a string"));
    let body = json!({ "address": "someone@example.com" });
    problem(post(&app, &emails, "k", &body).await, 409).await;
    let id = person["emails"][0]["id"].as_str().expect("a string");
    let removed = app.request("DELETE", &format!("{emails}/{id}")).send().await;
    assert_eq!(removed.expect("an answer").status(), 204);
    assert_eq!(post(&app, &emails, "k", &body).await.status(), 201);
}

#[tokio::test]
async fn a_key_that_is_no_key_is_refused() {
    let app = TestApp::spawn().await;
    let body = json!({ "name": "Ada", "emails": ["a@example.com"] });
    for key in ["", "a b", &"k".repeat(256)] {
        problem(post(&app, "/persons", key, &body).await, 422).await;
    }
}
