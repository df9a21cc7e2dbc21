//! Who may call what: every operation of the document, with every kind of token.

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::harness::{Row, SESSION, TestApp, problem};

/// What these need, by their ids. Of all others, those that read need a token, and those that write
/// one with the scope `write`.
const OPEN: [&str; 4] = ["getLiveness", "getReadiness", "logIn", "signUp"];
const FOR_ADMINS: &[&str] =
    &["deleteAccount", "deletePerson", "listAccounts", "listChanges", "updateAccount"];
const FOR_SESSIONS: [&str; 8] = [
    "changePassword",
    "createToken",
    "endSession",
    "listSessions",
    "listTokens",
    "logOut",
    "revokeToken",
    "updateOwnAccount",
];

struct Operation {
    method: String,
    path: String,
    id: String,
    document: Value,
}

/// Every operation that the document lists.
async fn operations(app: &TestApp) -> Vec<Operation> {
    let response = app.request_as_nobody("GET", "/openapi.json").send().await.expect("an answer");
    let document: Value = response.json().await.expect("JSON");
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("an object") {
        for (method, operation) in methods.as_object().expect("an object") {
            operations.push(Operation {
                method: method.to_uppercase(),
                path: path
                    .replace("{id}", "00000000-0000-7000-8000-000000000000")
                    .replace("{email_id}", "00000000-0000-7000-8000-000000000000"),
                id: operation["operationId"].as_str().expect("an id").to_owned(),
                document: operation.clone(),
            });
        }
    }
    operations
}

/// A request that is refused for its body at the latest, so that it changes nothing.
fn with_empty_body(request: RequestBuilder, method: &str) -> RequestBuilder {
    if method == "GET" || method == "DELETE" { request } else { request.json(&json!({ "": 0 })) }
}

#[tokio::test]
async fn strangers_and_dead_tokens_are_401_everywhere_but_at_the_open_operations() {
    let app = TestApp::spawn().await;
    let client = app.database.connect().await;
    let expired = app.member.issue(&client, Row { hours: -1, ..SESSION }).await;
    let revoked = app.member.issue(&client, SESSION).await;
    let delete = "DELETE FROM tokens WHERE hash = $1";
    let hash = store::credentials::token::hash(&revoked).expect("a token").to_vec();
    client.execute(delete, &[&hash]).await.expect("a row");
    let unknown = store::credentials::token::generate();
    for Operation { method, path, id, document } in operations(&app).await {
        let nobody = || with_empty_body(app.request_as_nobody(&method, &path), &method);
        let is_open = OPEN.contains(&id.as_str());
        let needs_token = document["security"] == json!([{ "token": [] }]);
        assert_eq!(needs_token, !is_open, "{id}");
        if is_open {
            let status = nobody().send().await.expect("an answer").status().as_u16();
            assert!(![401, 403].contains(&status), "{id}: {status}");
            continue;
        }
        for status in ["401", "403"] {
            assert!(document["responses"].get(status).is_some(), "{id} is never {status}?");
        }
        problem(nobody().send().await.expect("an answer"), 401).await;
        for header in [
            "Bearer".to_owned(),
            "Bearer x".to_owned(),
            "Basic YTpi".to_owned(),
            format!("Bearer {}", unknown.expose()),
            format!("Bearer {expired}"),
            format!("Bearer {revoked}"),
        ] {
            let request = nobody().header("authorization", header);
            problem(request.send().await.expect("an answer"), 401).await;
        }
    }
}

#[tokio::test]
async fn each_kind_of_token_may_do_what_it_is_for_and_nothing_else() {
    let app = TestApp::spawn().await;
    let client = app.database.connect().await;
    let reading = Row { name: Some("reads"), scope: "read", hours: 1 };
    let writing = Row { name: Some("writes"), scope: "write", hours: 1 };
    let closed = |operation: &Operation| !OPEN.contains(&operation.id.as_str());
    for Operation { method, path, id, .. } in operations(&app).await.into_iter().filter(closed) {
        let (is_admins, is_sessions) =
            (FOR_ADMINS.contains(&id.as_str()), FOR_SESSIONS.contains(&id.as_str()));
        let reads = method == "GET";
        // One of each for every operation: one of them logs out.
        for (kind, owner, row, may) in [
            ("member's session", &app.member, SESSION, !is_admins),
            ("member's reader", &app.member, reading, reads && !is_admins && !is_sessions),
            ("member's writer", &app.member, writing, !is_admins && !is_sessions),
            ("admin's session", &app.administrator, SESSION, true),
            ("admin's reader", &app.administrator, reading, reads && !is_sessions),
            ("admin's writer", &app.administrator, writing, !is_sessions),
        ] {
            let token = owner.issue(&client, row).await;
            let request = with_empty_body(app.request_as(&token, &method, &path), &method);
            let response = request.send().await.expect("an answer");
            let status = response.status().as_u16();
            assert!(status != 401 && status < 500, "{id} with a {kind}: {status}");
            assert_eq!(status != 403, may, "{id} with a {kind}: {status}");
            if !may {
                problem(response, 403).await;
            }
        }
    }
}

#[tokio::test]
async fn every_operation_of_the_lists_exists() {
    let app = TestApp::spawn().await;
    let operations = operations(&app).await;
    for id in OPEN.iter().chain(FOR_ADMINS).chain(&FOR_SESSIONS) {
        assert!(operations.iter().any(|operation| operation.id == *id), "{id}");
    }
}
