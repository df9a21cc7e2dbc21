//! The e-mail addresses of a person as a nested resource.

use serde_json::{Value, json};

use super::{create, get};
use crate::harness::{TestApp, problem};

#[tokio::test]
async fn adding_and_removing_an_address_changes_the_version() {
    let app = TestApp::spawn().await;
    let person = create(&app, "Ada").await;
    let path = format!("/persons/{}", person["id"].as_str().expect("a string"));
    let emails = format!("{path}/emails");
    let body = json!({ "address": "second@example.com" });
    let response = app.post(&emails, &body).send().await.expect("a response");
    assert_eq!(response.status(), 201);
    let location = response.headers()["location"].to_str().expect("ASCII").to_owned();
    let added: Value = response.json().await.expect("JSON");
    assert_eq!(location, format!("{emails}/{}", added["id"].as_str().expect("a string")));

    let list: Value = get(&app, &emails).await.json().await.expect("JSON");
    assert_eq!(list["items"][0]["address"], person["emails"][0]);
    assert_eq!(list["items"][1], added);
    assert_eq!(get(&app, &path).await.headers()["etag"], "\"2\"");

    let stale = app.request("DELETE", &location).header("if-match", "\"1\"");
    problem(stale.send().await.expect("a response"), 412).await;
    let response = app.request("DELETE", &location).send().await.expect("a response");
    assert_eq!(response.status(), 204);
    let list: Value = get(&app, &emails).await.json().await.expect("JSON");
    assert_eq!(list["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(get(&app, &path).await.headers()["etag"], "\"3\"");
    let again = app.request("DELETE", &location).send().await.expect("a response");
    problem(again, 404).await;
}

#[tokio::test]
async fn add_rejects_a_duplicate_address() {
    let app = TestApp::spawn().await;
    let person = create(&app, "Ada").await;
    let emails = format!("/persons/{}/emails", person["id"].as_str().expect("a string"));
    let body = json!({ "address": "SOMEONE@example.com" });
    let response = app.post(&emails, &body).send().await.expect("a response");
    let problem = problem(response, 409).await;
    assert_eq!(
        problem["errors"],
        json!([{ "pointer": "/address", "detail": "is already in the list" }])
    );
}

#[tokio::test]
async fn remove_rejects_an_address_of_another_person() {
    let app = TestApp::spawn().await;
    let (one, other) = (create(&app, "one").await, create(&app, "other").await);
    let emails = format!("/persons/{}/emails", other["id"].as_str().expect("a string"));
    let list: Value = get(&app, &emails).await.json().await.expect("JSON");
    let path = format!(
        "/persons/{}/emails/{}",
        one["id"].as_str().expect("a string"),
        list["items"][0]["id"].as_str().expect("a string")
    );
    problem(app.request("DELETE", &path).send().await.expect("a response"), 404).await;
    let unknown = "/persons/00000000-0000-7000-8000-000000000000/emails";
    problem(get(&app, unknown).await, 404).await;
    let body = json!({ "address": "a@example.com" });
    problem(app.post(unknown, &body).send().await.expect("a response"), 404).await;
}

#[tokio::test]
async fn concurrent_adds_stop_at_twenty_addresses() {
    let app = TestApp::spawn().await;
    let person = create(&app, "Ada").await;
    let emails = format!("/persons/{}/emails", person["id"].as_str().expect("a string"));
    let add =
        |n: usize| app.post(&emails, &json!({ "address": format!("{n}@example.com") })).send();
    let responses = futures_util::future::join_all((0..24).map(add)).await;
    let added = responses.iter().filter(|it| it.as_ref().is_ok_and(|it| it.status() == 201));
    assert_eq!(added.count(), 19);
    let list: Value = get(&app, &emails).await.json().await.expect("JSON");
    assert_eq!(list["items"].as_array().map(Vec::len), Some(20));
}

#[tokio::test]
async fn a_repeated_key_returns_the_first_response_and_a_failed_request_can_be_repeated() {
    let app = TestApp::spawn().await;
    let person = create(&app, "Ada").await;
    let emails = format!("/persons/{}/emails", person["id"].as_str().expect("a string"));
    let add = |address: &str| {
        let body = json!({ "address": address });
        app.post(&emails, &body).header("idempotency-key", address).send()
    };
    problem(add("someone@example.com").await.expect("a response"), 409).await;
    assert_eq!(add("other@example.com").await.expect("a response").status(), 201);
    let list: Value = get(&app, &emails).await.json().await.expect("JSON");
    let first = format!("{emails}/{}", list["items"][0]["id"].as_str().expect("a string"));
    let removed = app.request("DELETE", &first).send().await.expect("a response");
    assert_eq!(removed.status(), 204);
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
    let person = create(&app, "Ada").await;
    let emails = format!("/persons/{}/emails", person["id"].as_str().expect("a string"));
    let list: Value = get(&app, &emails).await.json().await.expect("JSON");
    let only = format!("{emails}/{}", list["items"][0]["id"].as_str().expect("a string"));
    let response = app.request("DELETE", &only).send().await.expect("a response");
    assert_eq!(problem(response, 409).await["errors"][0]["parameter"], "email_id");
    assert_eq!(get(&app, &emails).await.json::<Value>().await.expect("JSON"), list);
}
