//! Transactions that PostgreSQL aborts because of a conflict are retried.

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::create;
use crate::{
    accounts::{PASSWORD, sign_up, token},
    harness::{TestApp, problem},
};

/// Makes the next `times` queries that change persons or accounts fail with this SQLSTATE.
async fn fail(app: &TestApp, times: u32, state: &str) {
    let script = format!(
        "CREATE SEQUENCE failures;
        CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF nextval('failures') <= {times} THEN RAISE EXCEPTION USING ERRCODE = '{state}'; END IF;
            RETURN NULL;
        END $$;"
    );
    let trigger = |table| {
        format!(
            "CREATE TRIGGER fail AFTER INSERT OR UPDATE OR DELETE ON {table}
                FOR EACH STATEMENT EXECUTE FUNCTION fail();"
        )
    };
    let script = script + &["persons", "accounts", "tokens"].map(trigger).concat();
    app.database.connect().await.batch_execute(&script).await.expect("triggers");
}

/// Sends a request that creates something, and returns the new id.
async fn created(request: RequestBuilder) -> String {
    let response = request.send().await.expect("a response");
    assert_eq!(response.status(), 201);
    let created: Value = response.json().await.expect("JSON");
    created["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn conflicting_transactions_are_retried() {
    // These SQLSTATEs are a serialization failure, a deadlock, and a query plan that a migration made invalid.
    for state in ["40001", "40P01", "0A000"] {
        let app = TestApp::spawn().await;
        let path = create(&app, "Ada Lovelace").await;
        fail(&app, 2, state).await;
        let change = app.request("PATCH", &path).json(&json!({ "name": "Ada King" }));
        let person: Value = change.send().await.expect("a response").json().await.expect("JSON");
        assert_eq!(
            (&person["name"], &person["version"]),
            (&json!("Ada King"), &json!(2)),
            "{state}"
        );
    }
}

#[tokio::test]
async fn every_write_is_retried_after_a_conflict() {
    let app = TestApp::spawn().await;
    let person = create(&app, "Ada Lovelace").await;
    let account = sign_up(&app, "ada@example.com").await.json::<Value>().await.expect("JSON");
    let account = format!("/accounts/{}", account["id"].as_str().expect("a string"));
    let session = token(&app, "ada@example.com", PASSWORD).await;
    let hers = |method, path: &str| app.request_as(&session, method, path);
    let emails = format!("{person}/emails");
    let added = app.post(&emails, &json!({ "address": "a@b.c" })).send().await.expect("a response");
    assert_eq!(added.status(), 201);
    let token_id =
        created(hers("POST", "/tokens").json(&json!({ "name": "old", "scope": "read" }))).await;
    let first = json!({ "email": "ada@example.com", "password": PASSWORD });
    let other = created(app.request_anonymous("POST", "/sessions").json(&first)).await;
    let body = json!({ "name": "Ada", "emails": ["ada@example.com"] });
    let password = json!({ "current_password": PASSWORD, "new_password": "another long one" });
    let new = json!({ "email": "new@example.com", "name": "New", "password": PASSWORD });
    let log_in = json!({ "email": "ada@example.com", "password": "another long one" });
    fail(&app, 2, "40P01").await;
    let client = app.database.connect().await;
    for (request, status) in [
        (app.request("DELETE", &format!("{emails}/a@b.c")), 204),
        (app.request("PUT", &person).json(&body), 200),
        (app.post(&emails, &json!({ "address": "b@example.com" })), 201),
        (app.post("/persons", &body).header("idempotency-key", "k"), 201),
        (app.request_as_admin("DELETE", &person), 204),
        (app.request_anonymous("POST", "/accounts").json(&new), 201),
        (hers("DELETE", &format!("/tokens/{token_id}")), 204),
        (hers("DELETE", &format!("/sessions/{other}")), 204),
        (hers("PATCH", "/accounts/me").json(&json!({ "name": "A" })), 200),
        (hers("PUT", "/accounts/me/password").json(&password), 204),
        (hers("POST", "/tokens").json(&json!({ "name": "ci", "scope": "read" })), 201),
        (app.request_anonymous("POST", "/sessions").json(&log_in), 201),
        (hers("DELETE", "/sessions/current"), 204),
        (app.request_as_admin("PATCH", &account).json(&json!({ "role": "admin" })), 200),
        (app.request_as_admin("DELETE", &account), 204),
    ] {
        client.batch_execute("ALTER SEQUENCE failures RESTART").await.expect("a sequence");
        let response = request.send().await.expect("a response");
        let url = response.url().clone();
        assert_eq!(response.status(), status, "{url}");
        let failures = client.query_one("SELECT last_value FROM failures", &[]).await;
        assert!(failures.expect("a row").get::<_, i64>(0) > 2, "{url} was not retried");
    }
}

#[tokio::test]
async fn a_retried_create_stores_one_person() {
    let app = TestApp::spawn().await;
    fail(&app, 2, "40001").await;
    create(&app, "Ada Lovelace").await;
    let page: Value =
        app.get("/persons").send().await.expect("a response").json().await.expect("JSON");
    assert_eq!(page["items"].as_array().expect("items").len(), 1);
}

#[tokio::test]
async fn a_conflict_after_all_retries_returns_503() {
    let app = TestApp::spawn().await;
    fail(&app, 1000, "40001").await;
    let body = json!({ "name": "Ada", "emails": ["ada@example.com"] });
    problem(app.post("/persons", &body).send().await.expect("a response"), 503).await;
}
