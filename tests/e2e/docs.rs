//! The API documentation, the OpenAPI document and the landing page.

use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use serde_json::Value;

use crate::harness::{Spec, TestApp, config};

async fn page(app: &TestApp, path: &str) -> (StatusCode, String) {
    let response = app.get(path).send().await.expect("a response");
    (response.status(), response.text().await.expect("a text"))
}

#[tokio::test]
async fn docs_serve_swagger_ui_without_external_resources() {
    let app = TestApp::spawn().await;
    let (status, html) = page(&app, "/docs").await;
    assert_eq!(status, 200);
    assert!(html.contains("SwaggerUIBundle"), "the page has no Swagger UI");
    for opening in ["<script ", "<link ", "<img "] {
        for tag in html.split(opening).skip(1) {
            let tag = tag.split('>').next().unwrap_or_default();
            assert!(!tag.contains("//"), "{opening}{tag}>");
        }
    }
}

#[tokio::test]
async fn the_security_scheme_describes_every_role() {
    let app = TestApp::spawn().await;
    let document: Value = serde_json::from_str(&page(&app, "/openapi.json").await.1).expect("JSON");
    let schemes = document["components"]["securitySchemes"].as_object().expect("an object");
    assert_eq!(schemes.keys().collect::<Vec<_>>(), ["token"]);
    let scheme = &schemes["token"];
    assert_eq!((&scheme["type"], &scheme["scheme"]), (&"http".into(), &"bearer".into()));
    let description = scheme["description"].as_str().expect("a text");
    for operation in Spec::of(&app).await.operations {
        for role in operation.roles().unwrap_or_default() {
            assert!(description.contains(&format!("`{role}`: ")), "{role} in {description}");
        }
    }
}

#[tokio::test]
async fn the_log_in_example_works_in_development() {
    let app = TestApp::spawn_with(&[("APP_ENV", "dev")]).await;
    let document: Value = serde_json::from_str(&page(&app, "/openapi.json").await.1).expect("JSON");
    let role = db::accounts::Role::Member;
    migrate::token(&config(&app.database, &[]), role).await.expect("a token");
    let example = &document["components"]["schemas"]["LogIn"]["examples"][0];
    let response = app.request_anonymous("POST", "/sessions").json(example).send().await;
    assert_eq!(response.expect("a response").status(), 201);
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
async fn security_txt_names_the_contact() {
    let contact = "mailto:security@example.com";
    let app = TestApp::spawn_with(&[("API_SECURITY_CONTACT", contact)]).await;
    let (status, text) = page(&app, "/.well-known/security.txt").await;
    assert_eq!(status, 200);
    let (first, expires) = text.split_once('\n').expect("two lines");
    assert_eq!(first, format!("Contact: {contact}"));
    let expires = expires.trim_end().strip_prefix("Expires: ").expect("a time");
    let expires: DateTime<Utc> = expires.parse().expect("a time");
    assert!(expires > Utc::now());
    let app = TestApp::spawn().await;
    assert_eq!(page(&app, "/.well-known/security.txt").await.0, 404);
}

#[tokio::test]
async fn landing_page_shows_version_profile_engine_and_schema() {
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
        assert!(html.contains(fact), "{fact} is missing in {html}");
    }
}
