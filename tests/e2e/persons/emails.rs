//! The operations for one e-mail address of a person.

use serde_json::{Value, json};

use super::{create, get};
use crate::harness::{TestApp, problem};

/// Creates a person with the address someone@example.com and returns its path.
async fn person(app: &TestApp) -> String {
    format!("/persons/{}", create(app, "Ada").await["id"].as_str().expect("a string"))
}

async fn list(app: &TestApp, person: &str) -> Value {
    let response = get(app, &format!("{person}/emails")).await;
    response.json::<Value>().await.expect("JSON")["items"].clone()
}

#[tokio::test]
async fn adding_and_removing_an_address_raises_the_version() {
    let app = TestApp::spawn().await;
    let path = person(&app).await;
    let emails = format!("{path}/emails");
    let body = json!({ "address": "Second@example.com" });
    let response = app.post(&emails, &body).send().await.expect("a response");
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()["location"], *emails);
    let both = json!(["someone@example.com", "second@example.com"]);
    assert_eq!(response.json::<Value>().await.expect("JSON"), json!({ "items": both }));
    assert_eq!(list(&app, &path).await, both);
    assert_eq!(get(&app, &path).await.headers()["etag"], "\"2\"");

    let second = format!("{emails}/SECOND%40example.com");
    let stale = app.request("DELETE", &second).header("if-match", "\"1\"");
    problem(stale.send().await.expect("a response"), 412).await;
    let response = app.request("DELETE", &second).send().await.expect("a response");
    assert_eq!(response.status(), 204);
    assert_eq!(list(&app, &path).await, json!(["someone@example.com"]));
    assert_eq!(get(&app, &path).await.headers()["etag"], "\"3\"");
    problem(app.request("DELETE", &second).send().await.expect("a response"), 404).await;
}

#[tokio::test]
async fn adding_an_address_twice_is_a_conflict() {
    let app = TestApp::spawn().await;
    let emails = format!("{}/emails", person(&app).await);
    let body = json!({ "address": "SOMEONE@example.com" });
    let response = app.post(&emails, &body).send().await.expect("a response");
    let expected = json!([{ "pointer": "/address", "detail": "is already in the list" }]);
    assert_eq!(problem(response, 409).await["errors"], expected);
}

#[tokio::test]
async fn a_missing_person_returns_404() {
    let app = TestApp::spawn().await;
    let emails = "/persons/00000000-0000-7000-8000-000000000000/emails";
    problem(get(&app, emails).await, 404).await;
    let body = json!({ "address": "a@example.com" });
    problem(app.post(emails, &body).send().await.expect("a response"), 404).await;
    let remove = app.request("DELETE", &format!("{emails}/a@example.com"));
    problem(remove.send().await.expect("a response"), 404).await;
}

#[tokio::test]
async fn concurrent_additions_stop_at_twenty_addresses() {
    let app = TestApp::spawn().await;
    let path = person(&app).await;
    let emails = format!("{path}/emails");
    let add =
        |n: usize| app.post(&emails, &json!({ "address": format!("{n}@example.com") })).send();
    let responses = futures_util::future::join_all((0..24).map(add)).await;
    let added = responses.iter().filter(|it| it.as_ref().is_ok_and(|it| it.status() == 201));
    assert_eq!(added.count(), 19);
    assert_eq!(list(&app, &path).await.as_array().map(Vec::len), Some(20));
}

#[tokio::test]
async fn a_repeated_key_returns_the_first_response_and_a_failed_request_can_be_repeated() {
    let app = TestApp::spawn().await;
    let emails = format!("{}/emails", person(&app).await);
    let add = |address: &str| {
        let body = json!({ "address": address });
        app.post(&emails, &body).header("idempotency-key", address).send()
    };
    problem(add("someone@example.com").await.expect("a response"), 409).await;
    assert_eq!(add("other@example.com").await.expect("a response").status(), 201);
    let first = app.request("DELETE", &format!("{emails}/someone@example.com"));
    assert_eq!(first.send().await.expect("a response").status(), 204);
    let mut bodies = Vec::new();
    for _ in 0..2 {
        let response = add("someone@example.com").await.expect("a response");
        assert_eq!(response.status(), 201);
        bodies.push(response.text().await.expect("a text"));
    }
    assert_eq!(bodies[0], bodies[1]);
}

#[tokio::test]
async fn the_last_address_cannot_be_removed() {
    let app = TestApp::spawn().await;
    let path = person(&app).await;
    let only = app.request("DELETE", &format!("{path}/emails/someone@example.com"));
    let response = only.send().await.expect("a response");
    assert_eq!(problem(response, 409).await["errors"][0]["parameter"], "address");
    assert_eq!(list(&app, &path).await, json!(["someone@example.com"]));
}
