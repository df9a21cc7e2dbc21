//! API tokens: creation, list, use and revocation.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::{Row, TestApp, problem};

async fn create_token(app: &TestApp, body: Value) -> Value {
    let response = app.post("/tokens", &body).send().await.expect("a response");
    assert_eq!(response.status(), 201);
    response.json().await.expect("JSON")
}

async fn list(app: &TestApp) -> Value {
    let response = app.get("/tokens").send().await.expect("a response");
    response.json::<Value>().await.expect("JSON")["items"].clone()
}

#[tokio::test]
async fn a_token_is_shown_once_and_works_until_revoked() {
    let app = TestApp::spawn().await;
    let mut created = create_token(&app, json!({ "name": "backup", "scope": "read" })).await;
    let token = created.as_object_mut().expect("an object").remove("token").expect("shown once");
    let token = token.as_str().expect("a string");
    insta::assert_json_snapshot!(created, { ".id" => "[uuid]", ".created_at" => "[time]" }, @r#"
    {
      "created_at": "[time]",
      "id": "[uuid]",
      "name": "backup",
      "scope": "read"
    }
    "#);
    assert_eq!(list(&app).await, json!([created]));

    let body = json!({ "name": "Ada", "emails": ["a@example.com"] });
    let read = app.request_as(token, "GET", "/persons").send().await.expect("a response");
    assert_eq!(read.status(), 200);
    let write = app.request_as(token, "POST", "/persons").json(&body);
    problem(write.send().await.expect("a response"), 403).await;

    let path = format!("/tokens/{}", created["id"].as_str().expect("a string"));
    let others = app.request_as_admin("DELETE", &path).send().await.expect("a response");
    problem(others, 404).await;
    assert_eq!(app.request("DELETE", &path).send().await.expect("a response").status(), 204);
    let read = app.request_as(token, "GET", "/persons").send().await.expect("a response");
    problem(read, 401).await;
    assert_eq!(list(&app).await, json!([]));
}

#[tokio::test]
async fn a_token_may_expire_but_not_in_the_past() {
    let app = TestApp::spawn().await;
    let body = |time: &str| json!({ "name": "ci", "scope": "write", "expires_at": time });
    let created = create_token(&app, body("2100-01-01T00:00:00Z")).await;
    assert_eq!(created["expires_at"], "2100-01-01T00:00:00Z");
    for time in ["2020-01-01T00:00:00Z", "tomorrow"] {
        let response = app.post("/tokens", &body(time)).send().await.expect("a response");
        let problem = problem(response, 422).await;
        assert_eq!(problem["errors"][0]["pointer"], "/expires_at");
    }
}

#[tokio::test]
async fn idempotency_keys_are_separate_for_each_account() {
    let app = TestApp::spawn().await;
    let body = json!({ "name": "Ada", "emails": ["a@example.com"] });
    let mut ids = Vec::new();
    for request in [app.request("POST", "/persons"), app.request_as_admin("POST", "/persons")] {
        let request = request.header("idempotency-key", "k").json(&body);
        let person: Value = request.send().await.expect("a response").json().await.expect("JSON");
        ids.push(person["id"].clone());
    }
    assert!(ids[0].is_string() && ids[0] != ids[1], "{ids:?}");
}

#[tokio::test]
async fn a_token_of_a_deleted_account_returns_401_in_other_processes() {
    let app = TestApp::spawn().await;
    let other = TestApp::spawn_sharing_database(&app, &[]);
    let token = &app.member.token;
    let read = other.request_as(token, "GET", "/persons").send().await.expect("a response");
    assert_eq!(read.status(), 200);
    let delete =
        app.request_as_admin("DELETE", &format!("/accounts/{}", app.member.account)).send();
    assert_eq!(delete.await.expect("a response").status(), 204);
    // The second process has cached the token and accepts it for a few seconds.
    let body = json!({ "name": "backup", "scope": "read" });
    for request in [
        other.request_as(token, "POST", "/tokens").json(&body),
        other.request_as(token, "GET", "/accounts/me"),
        other.request_as(token, "PATCH", "/accounts/me").json(&json!({ "name": "Ada" })),
        other.request_as(token, "DELETE", "/sessions/current"),
    ] {
        problem(request.send().await.expect("a response"), 401).await;
    }
}

#[tokio::test]
async fn concurrent_requests_create_at_most_50_tokens() {
    let app = TestApp::spawn().await;
    let client = app.database.connect().await;
    let row = Row { name: Some("old"), scope: "read", hours: 1 };
    for hours in [[1; 49].as_slice(), &[-1; 10]].concat() {
        app.member.issue(&client, Row { hours, ..row }).await;
    }
    let body = json!({ "name": "new", "scope": "read" });
    let mut created = 0;
    for response in join_all((0..8).map(|_| app.post("/tokens", &body).send())).await {
        let response = response.expect("a response");
        if response.status() == 201 {
            created += 1;
        } else {
            let errors = problem(response, 409).await["errors"].to_string();
            assert!(errors.contains("already has 50 API tokens"), "{errors}");
        }
    }
    assert_eq!(created, 1);
    assert_eq!(list(&app).await.as_array().expect("a list").len(), 50);
}
