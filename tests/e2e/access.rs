//! Permissions: every operation of the OpenAPI document, with every kind of token.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, stream};
use reqwest::{RequestBuilder, Response};
use serde_json::json;
use store::credentials::token;

use crate::harness::{Operation, Row, SESSION, Spec, TestApp, problem};

/// The only operations that anonymous clients may call. A new entry needs a security review.
const OPEN: [&str; 4] = ["getLiveness", "getReadiness", "logIn", "signUp"];

/// The number of operations to test at once.
const CONCURRENT: usize = 8;

/// Returns a request that changes nothing, because no row has its id and its body is not valid.
fn request(app: &TestApp, operation: &Operation) -> RequestBuilder {
    let segments = operation.path.split('/');
    let unknown = "00000000-0000-7000-8000-000000000000";
    let path: Vec<_> = segments.map(|it| if it.starts_with('{') { unknown } else { it }).collect();
    let request = app.request_anonymous(&operation.method, &path.join("/"));
    let has_body = operation.spec.get("requestBody").is_some();
    if has_body { request.json(&json!({ "": 0 })) } else { request }
}

async fn send(spec: &Spec, operation: &Operation, request: RequestBuilder) -> Response {
    let response = request.send().await.expect("a response");
    spec.assert_documents(operation, &response);
    response
}

#[tokio::test]
async fn only_the_open_operations_accept_anonymous_clients() {
    let app = TestApp::spawn().await;
    let spec = Spec::of(&app).await;
    let open = spec.operations.iter().filter(|operation| operation.roles().is_none());
    let open: BTreeSet<_> = open.map(|operation| operation.id.as_str()).collect();
    assert_eq!(open, OPEN.into(), "operations without a required role");
    let check = async |operation: &Operation| {
        let response = send(&spec, operation, request(&app, operation)).await;
        if operation.roles().is_some() {
            assert_eq!(response.status(), 401, "{} without a token", operation.id);
            problem(response, 401).await;
        } else {
            let status = response.status().as_u16();
            assert!(![401, 403].contains(&status), "{} without a token: {status}", operation.id);
        }
    };
    stream::iter(&spec.operations).for_each_concurrent(CONCURRENT, check).await;
}

#[tokio::test]
async fn invalid_tokens_return_401() {
    let app = TestApp::spawn().await;
    let (spec, client) = (Spec::of(&app).await, app.database.connect().await);
    let expired = app.member.issue(&client, Row { hours: -1, ..SESSION }).await;
    let revoked = app.member.issue(&client, SESSION).await;
    let hash = token::hash(&revoked).expect("a token").to_vec();
    client.execute("DELETE FROM tokens WHERE hash = $1", &[&hash]).await.expect("a row");
    // Tests one operation for each set of roles, because operations with equal roles share the code of the check.
    let by_roles = spec.operations.iter().filter_map(|it| Some((it.roles()?, it)));
    let by_roles: BTreeMap<_, _> = by_roles.collect();
    for operation in by_roles.into_values() {
        for header in [
            "Bearer".to_owned(),
            "Bearer x".to_owned(),
            "Basic YTpi".to_owned(),
            format!("Bearer {}", token::generate().expose()),
            format!("Bearer {expired}"),
            format!("Bearer {revoked}"),
        ] {
            let request = request(&app, operation).header("authorization", &header);
            let response = send(&spec, operation, request).await;
            assert_eq!(response.status(), 401, "{} with {header}", operation.id);
            problem(response, 401).await;
        }
    }
}

#[tokio::test]
async fn each_token_may_call_exactly_the_operations_of_its_roles() {
    let app = TestApp::spawn().await;
    let (spec, client) = (Spec::of(&app).await, app.database.connect().await);
    let reading = Row { name: Some("reads"), scope: "read", hours: 1 };
    let writing = Row { name: Some("writes"), scope: "write", hours: 1 };
    for (owner, row, roles) in [
        (&app.member, SESSION, ["read", "write", "session"].as_slice()),
        (&app.member, reading, &["read"]),
        (&app.member, writing, &["read", "write"]),
        (&app.administrator, SESSION, &["read", "write", "session", "admin"]),
        (&app.administrator, reading, &["read", "admin"]),
        (&app.administrator, writing, &["read", "write", "admin"]),
    ] {
        let shared = owner.issue(&client, row).await;
        let check = async |operation: &Operation| {
            let Some(required) = operation.roles() else { return };
            // The operation may end the session of its token, so each call gets a new token.
            let ends = required.contains("session");
            let own = if ends { Some(owner.issue(&client, row).await) } else { None };
            let token = own.as_ref().unwrap_or(&shared);
            let response =
                send(&spec, operation, request(&app, operation).bearer_auth(token)).await;
            let (id, status) = (&operation.id, response.status().as_u16());
            assert!(status != 401 && status < 500, "{id} with the roles {roles:?}: {status}");
            let may = required.iter().all(|role| roles.contains(role));
            assert_eq!(status != 403, may, "{id} with the roles {roles:?}: {status}");
            if !may {
                problem(response, 403).await;
            }
        };
        stream::iter(&spec.operations).for_each_concurrent(CONCURRENT, check).await;
    }
}
