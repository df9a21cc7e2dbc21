//! Accounts: sign-up, changes by the owner, administration, and accounts for development.

use reqwest::Response;
use serde_json::{Value, json};

use crate::harness::{Row, TestApp, config, problem};

pub(crate) const PASSWORD: &str = "correct horse battery";

pub(crate) async fn sign_up(app: &TestApp, email: &str) -> Response {
    let body = json!({ "email": email, "name": "Ada", "password": PASSWORD });
    let request = app.request_anonymous("POST", "/accounts").json(&body);
    request.send().await.expect("a response")
}

pub(crate) async fn log_in(app: &TestApp, email: &str, password: &str) -> Response {
    let body = json!({ "email": email, "password": password });
    let request = app.request_anonymous("POST", "/sessions").json(&body);
    request.send().await.expect("a response")
}

/// Logs in and returns the token of the new session.
pub(crate) async fn token(app: &TestApp, email: &str, password: &str) -> String {
    let response = log_in(app, email, password).await;
    assert_eq!(response.status(), 201);
    let session: Value = response.json().await.expect("JSON");
    session["token"].as_str().expect("a string").to_owned()
}

/// Returns the status of a request for the caller's own account.
pub(crate) async fn status(app: &TestApp, token: &str) -> u16 {
    let request = app.request_as(token, "GET", "/accounts/me");
    request.send().await.expect("a response").status().as_u16()
}

#[tokio::test]
async fn sign_up_creates_a_member_who_can_log_in() {
    let app = TestApp::spawn().await;
    let response = sign_up(&app, "Ada@example.com").await;
    assert_eq!(response.status(), 201);
    let account: Value = response.json().await.expect("JSON");
    insta::assert_json_snapshot!(account, { ".id" => "[uuid]", ".created_at" => "[time]" }, @r#"
    {
      "created_at": "[time]",
      "disabled": false,
      "email": "ada@example.com",
      "id": "[uuid]",
      "name": "Ada",
      "role": "member"
    }
    "#);
    let token = token(&app, "ada@EXAMPLE.com", PASSWORD).await;
    let request = app.request_as(&token, "PATCH", "/accounts/me").json(&json!({ "name": "A. K." }));
    assert_eq!(request.send().await.expect("a response").status(), 200);
    let found = app.request_as(&token, "GET", "/accounts/me").send().await.expect("a response");
    let found: Value = found.json().await.expect("JSON");
    assert_eq!((&found["id"], &found["name"]), (&account["id"], &json!("A. K.")));
}

#[tokio::test]
async fn sign_up_rejects_a_duplicate_email_in_another_case() {
    let app = TestApp::spawn().await;
    assert_eq!(sign_up(&app, "ada@example.com").await.status(), 201);
    let problem = problem(sign_up(&app, "ADA@example.com").await, 409).await;
    assert_eq!(
        problem["errors"],
        json!([{ "pointer": "/email", "detail": "already has an account" }])
    );
}

#[tokio::test]
async fn invalid_passwords_return_422_and_are_not_echoed() {
    let app = TestApp::spawn().await;
    for password in ["hunter2hunt", &"hunter2".repeat(19), "hunter2\0hunter2"] {
        let body = json!({ "email": "a@example.com", "name": "Ada", "password": password });
        let response = app.post("/accounts", &body).send().await.expect("a response");
        let problem = problem(response, 422).await;
        assert_eq!(problem["errors"][0]["pointer"], "/password");
        assert!(!problem.to_string().contains("hunter2"), "{problem}");
    }
}

#[tokio::test]
async fn common_passwords_return_422() {
    let app = TestApp::spawn().await;
    let common = "PASSWORD1234";
    let body = json!({ "email": "ada@example.com", "name": "Ada", "password": common });
    let signed_up = app.request_anonymous("POST", "/accounts").json(&body).send().await;
    let detail = problem(signed_up.expect("a response"), 422).await["errors"][0].take();
    assert_eq!(detail["pointer"], "/password");
    assert!(detail.to_string().contains("most common passwords"), "{detail}");

    sign_up(&app, "ada@example.com").await;
    let token = token(&app, "ada@example.com", PASSWORD).await;
    let body = json!({ "current_password": PASSWORD, "new_password": common });
    let request = app.request_as(&token, "PUT", "/accounts/me/password").json(&body);
    let problem = problem(request.send().await.expect("a response"), 422).await;
    assert_eq!(problem["errors"][0]["pointer"], "/new_password");
    assert_eq!(log_in(&app, "ada@example.com", PASSWORD).await.status(), 201);
}

#[tokio::test]
async fn only_admins_create_accounts_without_sign_up() {
    for variables in [&[("API_SIGN_UP", "false")], &[("APP_ENV", "production")]] {
        let app = TestApp::spawn_with(variables).await;
        problem(sign_up(&app, "ada@example.com").await, 401).await;
        let body = json!({ "email": "ada@example.com", "name": "Ada", "password": PASSWORD });
        let response = app.post("/accounts", &body).send().await.expect("a response");
        problem(response, 403).await;
        let request = app.request_as_admin("POST", "/accounts").json(&body);
        assert_eq!(request.send().await.expect("a response").status(), 201);
        token(&app, "ada@example.com", PASSWORD).await;
    }
}

#[tokio::test]
async fn changing_the_password_ends_other_sessions_but_keeps_api_tokens() {
    let app = TestApp::spawn().await;
    sign_up(&app, "ada@example.com").await;
    let this = token(&app, "ada@example.com", PASSWORD).await;
    let other = token(&app, "ada@example.com", PASSWORD).await;
    let body = json!({ "name": "ci", "scope": "read" });
    let made = app.request_as(&this, "POST", "/tokens").json(&body).send().await;
    let made: Value = made.expect("a response").json().await.expect("JSON");
    let machine = made["token"].as_str().expect("a string");
    assert_eq!([status(&app, &other).await, status(&app, machine).await], [200, 200]);

    let change = async |current: &str| {
        let body = json!({ "current_password": current, "new_password": "another long one" });
        let request = app.request_as(&this, "PUT", "/accounts/me/password").json(&body);
        request.send().await.expect("a response")
    };
    let problem = problem(change("not the password").await, 422).await;
    assert_eq!(problem["errors"][0]["pointer"], "/current_password");
    assert_eq!(change(PASSWORD).await.status(), 204);
    let statuses =
        [status(&app, &this).await, status(&app, &other).await, status(&app, machine).await];
    assert_eq!(statuses, [200, 401, 200]);
    assert_eq!(log_in(&app, "ada@example.com", PASSWORD).await.status(), 401);
    token(&app, "ada@example.com", "another long one").await;
}

#[tokio::test]
async fn admin_changes_take_effect_at_once() {
    let app = TestApp::spawn().await;
    let account: Value = sign_up(&app, "ada@example.com").await.json().await.expect("JSON");
    let token = token(&app, "ada@example.com", PASSWORD).await;
    let path = format!("/accounts/{}", account["id"].as_str().expect("a string"));
    let change = async |body: Value| {
        let request = app.request_as_admin("PATCH", &path).json(&body);
        assert_eq!(request.send().await.expect("a response").status(), 200);
    };
    let list = async || {
        let request = app.request_as(&token, "GET", "/accounts");
        request.send().await.expect("a response").status().as_u16()
    };
    assert_eq!(list().await, 403);
    change(json!({ "role": "admin" })).await;
    assert_eq!(list().await, 200);
    change(json!({ "disabled": true })).await;
    assert_eq!(list().await, 401);
    assert_eq!(log_in(&app, "ada@example.com", PASSWORD).await.status(), 401);
    change(json!({ "disabled": false })).await;
    assert_eq!(list().await, 200);
    let deleted = app.request_as_admin("DELETE", &path).send().await.expect("a response");
    assert_eq!(deleted.status(), 204);
    assert_eq!(list().await, 401);
    problem(app.request_as_admin("DELETE", &path).send().await.expect("a response"), 404).await;
}

#[tokio::test]
async fn admins_cannot_demote_or_delete_themselves() {
    let app = TestApp::spawn().await;
    let path = format!("/accounts/{}", app.administrator.account);
    for method in ["PATCH", "DELETE"] {
        let request = app.request_as_admin(method, &path).json(&json!({ "role": "member" }));
        problem(request.send().await.expect("a response"), 403).await;
    }
}

#[tokio::test]
async fn api_token_of_an_admin_reads_accounts_but_neither_creates_nor_changes_one() {
    let app = TestApp::spawn_with(&[("API_SIGN_UP", "false")]).await;
    let row = Row { name: Some("leaked"), scope: "write", hours: 1 };
    let token = app.administrator.issue(&app.database.connect().await, row).await;
    let send = async |method, path: &str, body: Value| {
        app.request_as(&token, method, path).json(&body).send().await.expect("a response")
    };
    assert_eq!(send("GET", "/accounts", Value::Null).await.status(), 200);
    let path = format!("/accounts/{}", app.member.account);
    let new = json!({ "email": "ada@example.com", "name": "Ada", "password": PASSWORD });
    for (method, path, body) in [
        ("POST", "/accounts", new),
        ("PATCH", &path, json!({ "role": "admin" })),
        ("DELETE", &path, Value::Null),
    ] {
        let problem = problem(send(method, path, body).await, 403).await;
        let detail = problem["detail"].as_str().expect("a detail");
        assert!(detail.contains("session"), "{method} {path}: {detail}");
    }
}

#[tokio::test]
async fn accounts_are_paginated() {
    let app = TestApp::spawn().await;
    let get = async |path: &str| {
        let response = app.request_as_admin("GET", path).send().await.expect("a response");
        response.json::<Value>().await.expect("JSON")
    };
    let first = get("/accounts?limit=1").await;
    assert_eq!(first["items"][0]["id"], json!(app.member.account));
    let next = first["next"].as_str().expect("a string");
    let second = get(&format!("/accounts?limit=1&cursor={next}")).await;
    assert_eq!(second["items"][0]["id"], json!(app.administrator.account));
    assert!(second.get("next").is_none());
}

#[tokio::test]
async fn production_rejects_development_accounts_and_tokens() {
    let app = TestApp::spawn_with(&[("APP_ENV", "production")]).await;
    let dev = config(&app.database, &[]);
    let made = migrate::token(&dev, db::accounts::Role::Admin).await.expect("a token");
    let dev_app = TestApp::spawn_sharing_database(&app, &[]);
    assert_eq!(status(&dev_app, made.trim_end()).await, 200);
    assert_eq!(status(&app, made.trim_end()).await, 401);
    for email in ["admin@example.com", "member@example.com"] {
        let password = migrate::DEVELOPMENT_PASSWORD;
        assert_eq!(log_in(&dev_app, email, password).await.status(), 201);
        problem(log_in(&app, email, password).await, 401).await;
    }
    let production = config(&app.database, &[("APP_ENV", "production")]);
    let output = migrate::up(&production, false, None).await.expect("the schema is current");
    assert!(
        output.contains("warning: 2 accounts have the public password for development"),
        "{output}"
    );
    let error = migrate::token(&production, db::accounts::Role::Admin).await.expect_err("rejected");
    assert!(error.to_string().contains("production"), "{error}");
}

#[tokio::test]
async fn a_command_creates_the_first_admin_of_production() {
    let app = TestApp::spawn_with(&[("APP_ENV", "production")]).await;
    let config = config(&app.database, &[("APP_ENV", "production")]);
    let create = |email, password: Option<&str>| {
        migrate::create_admin(&config, email, password.map(|text| text.to_owned().into()))
    };
    let output = create("root@example.com", None).await.expect("an admin");
    let password = output.lines().last().expect("a line");
    assert_eq!(password.len(), 24);
    let token = token(&app, "root@example.com", password).await;
    let listed = app.request_as(&token, "GET", "/accounts").send().await.expect("a response");
    assert_eq!(listed.status(), 200);

    let output = create("other@example.com", Some(PASSWORD)).await.expect("an admin");
    assert!(!output.contains(PASSWORD), "{output}");
    for (email, password) in [
        ("ROOT@example.com", PASSWORD),
        ("root", PASSWORD),
        ("new@example.com", "short"),
        ("new@example.com", "password1234"),
    ] {
        create(email, Some(password)).await.expect_err(email);
    }
}
