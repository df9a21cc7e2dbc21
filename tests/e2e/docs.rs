//! The documentation pages, the document and the landing page.

use std::collections::BTreeSet;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::harness::{TestApp, config};

async fn page(app: &TestApp, path: &str) -> (StatusCode, String) {
    let response = app.get(path).send().await.expect("an answer");
    (response.status(), response.text().await.expect("a text"))
}

#[tokio::test]
async fn the_docs_are_swagger_ui_and_load_nothing_from_elsewhere() {
    let app = TestApp::spawn().await;
    let (status, html) = page(&app, "/docs").await;
    assert_eq!(status, 200);
    assert!(html.contains("SwaggerUIBundle"), "no Swagger UI");
    for opening in ["<script ", "<link ", "<img "] {
        for tag in html.split(opening).skip(1) {
            let tag = tag.split('>').next().unwrap_or_default();
            assert!(!tag.contains("//"), "{opening}{tag}>");
        }
    }
}

#[tokio::test]
async fn the_document_lists_every_operation_once() {
    let app = TestApp::spawn().await;
    let (status, text) = page(&app, "/openapi.json").await;
    assert_eq!(status, 200);
    let document: Value = serde_json::from_str(&text).expect("JSON");
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("an object") {
        for (method, operation) in methods.as_object().expect("an object") {
            let id = operation["operationId"].as_str().expect("every operation has an id");
            operations.push(format!("{method} {path} {id}"));
        }
    }
    insta::assert_snapshot!(operations.join("\n"), @"
    get /accounts listAccounts
    post /accounts signUp
    get /accounts/me getOwnAccount
    patch /accounts/me updateOwnAccount
    put /accounts/me/password changePassword
    delete /accounts/{id} deleteAccount
    patch /accounts/{id} updateAccount
    get /audit listChanges
    get /health/live getLiveness
    get /health/ready getReadiness
    get /persons listPersons
    post /persons createPerson
    delete /persons/{id} deletePerson
    get /persons/{id} getPerson
    patch /persons/{id} updatePerson
    put /persons/{id} replacePerson
    get /persons/{id}/emails listEmails
    post /persons/{id}/emails addEmail
    delete /persons/{id}/emails/{email_id} removeEmail
    get /sessions listSessions
    post /sessions logIn
    delete /sessions/current logOut
    delete /sessions/{id} endSession
    get /tokens listTokens
    post /tokens createToken
    delete /tokens/{id} revokeToken
    ");
}

#[tokio::test]
async fn the_document_tells_how_a_token_is_sent() {
    let app = TestApp::spawn().await;
    let document: Value = serde_json::from_str(&page(&app, "/openapi.json").await.1).expect("JSON");
    insta::assert_json_snapshot!(document["components"]["securitySchemes"], @r#"
    {
      "token": {
        "description": "A token: of a session, which `POST /sessions` begins, or an API token, which `POST /tokens` makes.",
        "scheme": "bearer",
        "type": "http"
      }
    }
    "#);
    let refused = resolve(&document, &document["paths"]["/persons"]["get"]["responses"]["401"]);
    assert!(refused["headers"].get("WWW-Authenticate").is_some(), "{refused}");
}

/// What a `$ref` refers to, or the value itself.
fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let Some(reference) = value["$ref"].as_str() else { return value };
    document.pointer(reference.trim_start_matches('#')).expect("it refers to something")
}

#[tokio::test]
async fn an_answer_has_the_headers_that_the_document_lists_and_no_others() {
    let app = TestApp::spawn().await;
    let document: Value = serde_json::from_str(&page(&app, "/openapi.json").await.1).expect("JSON");
    let person = json!({ "name": "Ada", "emails": ["a@example.com"] });
    let unknown = "/persons/00000000-0000-7000-8000-000000000000";
    for (request, (method, path), status) in [
        (app.get("/health/ready"), ("get", "/health/ready"), 200),
        (app.request_as_nobody("GET", "/persons"), ("get", "/persons"), 401),
        (app.get("/audit"), ("get", "/audit"), 403),
        (app.get("/persons?limit=0"), ("get", "/persons"), 422),
        (app.get(unknown), ("get", "/persons/{id}"), 404),
        (app.post("/persons", &person), ("post", "/persons"), 201),
        (app.post("/persons", &json!({})), ("post", "/persons"), 422),
        (app.request("DELETE", "/sessions/current"), ("delete", "/sessions/current"), 204),
    ] {
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), status);
        let answer = &document["paths"][path][method]["responses"][status.to_string()];
        let listed = resolve(&document, answer)["headers"].as_object().expect("an object");
        let listed: BTreeSet<_> = listed.keys().map(|name| name.to_lowercase()).collect();
        // Of the message, not of the answer.
        let framing = ["content-type", "content-length", "date"];
        let sent = response.headers().keys().map(|name| name.as_str().to_owned());
        let sent: BTreeSet<_> = sent.filter(|name| !framing.contains(&name.as_str())).collect();
        assert_eq!(sent, listed, "{method} {path}: {status}");
    }
}

#[tokio::test]
async fn the_example_of_a_log_in_is_one_that_development_takes() {
    let app = TestApp::spawn_with(&[("APP_ENV", "dev")]).await;
    let document: Value = serde_json::from_str(&page(&app, "/openapi.json").await.1).expect("JSON");
    let role = db::accounts::Role::Member;
    migrate::token(&config(&app.database, &[]), role).await.expect("the accounts are made");
    let example = &document["components"]["schemas"]["LogIn"]["examples"][0];
    let response = app.request_as_nobody("POST", "/sessions").json(example).send().await;
    assert_eq!(response.expect("an answer").status(), 201);
}

#[tokio::test]
async fn production_has_docs_and_no_landing_page() {
    let app = TestApp::spawn_with(&[("APP_ENV", "production")]).await;
    assert_eq!(page(&app, "/").await.0, 404);
    assert_eq!(page(&app, "/docs").await.0, 200);
    assert_eq!(page(&app, "/openapi.json").await.0, 200);
}

#[tokio::test]
async fn the_docs_can_be_switched_off() {
    let app = TestApp::spawn_with(&[("API_DOCS", "false")]).await;
    assert_eq!(page(&app, "/docs").await.0, 404);
    assert_eq!(page(&app, "/openapi.json").await.0, 404);
    assert_eq!(page(&app, "/persons").await.0, 200);
}

#[tokio::test]
async fn the_landing_page_tells_version_profile_engine_and_schema() {
    let app = TestApp::spawn_with(&[("APP_ENV", "dev"), ("ENGINE", "docker <x>")]).await;
    let (status, html) = page(&app, "/").await;
    assert_eq!(status, 200);
    for fact in [
        concat!("<dd>", env!("CARGO_PKG_VERSION"), "</dd>"),
        "<dd>dev</dd>",
        "<dd>docker &lt;x></dd>",
        &format!("<dd>{}</dd>", db::migrations::latest()),
        ">ready</span>",
    ] {
        assert!(html.contains(fact), "no {fact} in {html}");
    }
}
