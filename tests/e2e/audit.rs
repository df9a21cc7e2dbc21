//! The audit log: every write adds an entry, and nothing else does.

use reqwest::Response;
use serde_json::{Value, json};

use crate::{
    accounts::{PASSWORD, sign_up, token},
    harness::TestApp,
};

async fn page(app: &TestApp, query: &str) -> Value {
    let request = app.request_as_admin("GET", &format!("/audit?{query}"));
    request.send().await.expect("a response").json().await.expect("JSON")
}

/// Returns the actions of a page, the oldest first.
fn actions(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().expect("a list").iter().rev();
    items.map(|entry| entry["action"].as_str().expect("a string")).collect()
}

async fn id(response: Response) -> String {
    assert_eq!(response.status(), 201);
    let body: Value = response.json().await.expect("JSON");
    body["id"].as_str().expect("a string").to_owned()
}

#[tokio::test]
async fn email_changes_are_audited_for_their_person() {
    let app = TestApp::spawn().await;
    let person = app.create("/persons", json!({ "emails": ["a@example.com"] })).await["id"].clone();
    let emails = format!("/persons/{}/emails", person.as_str().expect("an id"));
    let add = |address: &str| app.post(&emails, &json!({ "address": address }));
    assert_eq!(add("b@example.com").send().await.expect("a response").status(), 201);
    for request in [
        add("A@example.com"),
        app.request("DELETE", &format!("{emails}/B@example.com")),
        app.request("DELETE", &format!("{emails}/B@example.com")),
    ] {
        request.header("x-request-id", "run-7").send().await.expect("a response");
    }
    let page = page(&app, "resource=person").await;
    assert_eq!(actions(&page), ["createPerson", "addEmail", "removeEmail"]);
    let entries = page["items"].as_array().expect("a list");
    assert!(entries.iter().all(|entry| entry["resource_id"] == person), "{page}");
    let ids: Vec<_> = entries.iter().filter_map(|entry| entry["request_id"].as_str()).collect();
    assert_eq!(ids[0], "run-7");
    // The first two requests did not send an id, so the server generated UUIDs.
    assert_eq!([ids[1].len(), ids[2].len()], [36, 36]);
}

#[tokio::test]
async fn account_session_and_token_changes_are_audited() {
    let app = TestApp::spawn().await;
    let account = id(sign_up(&app, "ada@example.com").await).await;
    let token = token(&app, "ada@example.com", PASSWORD).await;
    let body = json!({ "name": "ci", "scope": "read" });
    let made = app.request_as(&token, "POST", "/tokens").json(&body).send().await;
    let made = id(made.expect("a response")).await;
    let (own, account) = ("/accounts/me", format!("/accounts/{account}"));
    let password = json!({ "current_password": PASSWORD, "new_password": "another long one" });
    for request in [
        app.request_as(&token, "DELETE", &format!("/tokens/{made}")),
        app.request_as(&token, "PATCH", own).json(&json!({ "name": "A" })),
        app.request_as(&token, "PUT", "/accounts/me/password").json(&password),
        app.request_as(&token, "DELETE", "/sessions/current"),
        app.request_as_admin("PATCH", &account).json(&json!({ "role": "admin" })),
        app.request_as_admin("DELETE", &account),
    ] {
        let response = request.header("x-request-id", "run-8").send().await.expect("a response");
        assert!(response.status().is_success(), "{response:?}");
    }
    assert_eq!(
        actions(&page(&app, "").await),
        [
            "signUp",
            "logIn",
            "createToken",
            "revokeToken",
            "updateOwnAccount",
            "changePassword",
            "logOut",
            "updateAccount",
            "deleteAccount",
        ]
    );
    assert_eq!(actions(&page(&app, "resource=token").await), ["createToken", "revokeToken"]);
    let all = page(&app, "").await;
    let entries = all["items"].as_array().expect("a list");
    assert!(entries.iter().all(|entry| entry["request_id"].is_string()), "{all}");
    assert_eq!(entries[0]["request_id"], "run-8");
}

#[tokio::test]
async fn audit_pages_start_with_the_newest_entry() {
    let app = TestApp::spawn().await;
    for _ in 0..3 {
        let body = json!({ "name": "Ada", "emails": ["a@example.com"] });
        app.post("/persons", &body).send().await.expect("a response");
    }
    let all = page(&app, "").await;
    let (mut found, mut query) = (Vec::new(), "limit=2".to_owned());
    loop {
        let page = page(&app, &query).await;
        found.extend_from_slice(page["items"].as_array().expect("a list"));
        let Some(next) = page.get("next") else { break };
        query = format!("limit=2&cursor={}", next.as_str().expect("a string"));
    }
    assert_eq!(json!(found), all["items"]);
    assert_eq!(found.len(), 3);
}
