//! Persons: their e-mail addresses, search, and the errors of their requests. tests/e2e/contract.rs tests all other
//! behaviour of resources.

mod emails;

use std::fmt::Write as _;

use reqwest::Response;
use serde_json::{Value, json};

use crate::harness::{TestApp, problem};

pub(crate) async fn create(app: &TestApp, name: &str) -> Value {
    app.create("/persons", json!({ "name": name, "emails": ["someone@example.com"] })).await
}

async fn get(app: &TestApp, path: &str) -> Response {
    app.get(path).send().await.expect("a response")
}

#[tokio::test]
async fn location_of_a_created_person_returns_it() {
    let app = TestApp::spawn().await;
    let body = json!({ "name": "Ada Lovelace", "emails": ["Ada@example.com", "al@x.example"] });
    let response = app.post("/persons", &body).send().await.expect("a response");
    assert_eq!(response.status(), 201);
    let location = response.headers()["location"].to_str().expect("ASCII").to_owned();
    let created: Value = response.json().await.expect("JSON");
    assert_eq!(location, format!("/persons/{}", created["id"].as_str().expect("a string")));
    insta::assert_json_snapshot!(
        created,
        { ".created_at" => "[time]", ".updated_at" => "[time]", ".id" => "[uuid]" },
        @r#"
    {
      "created_at": "[time]",
      "emails": [
        "ada@example.com",
        "al@x.example"
      ],
      "id": "[uuid]",
      "name": "Ada Lovelace",
      "updated_at": "[time]",
      "version": 1
    }
    "#
    );

    let response = get(&app, &location).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.json::<Value>().await.expect("JSON"), created);
}

#[tokio::test]
async fn characters_outside_the_basic_plane_are_kept() {
    let app = TestApp::spawn().await;
    let created = create(&app, "𝒜da 🦀 Łovelace").await;
    assert_eq!(created["name"], "𝒜da 🦀 Łovelace");
    let id = created["id"].as_str().expect("a string");
    let found: Value = get(&app, &format!("/persons/{id}")).await.json().await.expect("JSON");
    assert_eq!(found, created);
}

#[tokio::test]
async fn names_of_200_characters_and_20_emails_are_accepted() {
    let app = TestApp::spawn().await;
    let emails: Vec<_> = (0..20).map(|number| format!("{number}@example.com")).collect();
    let body = json!({ "name": "🦀".repeat(200), "emails": emails });
    let response = app.post("/persons", &body).send().await.expect("a response");
    assert_eq!(response.status(), 201);
    let created: Value = response.json().await.expect("JSON");
    assert_eq!(created["emails"], json!(emails));
}

#[tokio::test]
async fn addresses_are_stored_in_lower_case_and_once() {
    let app = TestApp::spawn().await;
    let emails = ["Ada@Example.com", "b@example.com", "ada@example.COM", "ÄÖ@example.com"];
    let stored = ["ada@example.com", "b@example.com", "äö@example.com"];
    let body = json!({ "name": "Ada", "emails": emails });
    let response = app.post("/persons", &body).send().await.expect("a response");
    assert_eq!(response.status(), 201);
    let created: Value = response.json().await.expect("JSON");
    assert_eq!(created["emails"], json!(stored));
    let path = format!("/persons/{}", created["id"].as_str().expect("a string"));
    for method in ["PUT", "PATCH"] {
        let response = app.request(method, &path).json(&body).send().await.expect("a response");
        assert_eq!(response.json::<Value>().await.expect("JSON")["emails"], json!(stored));
    }
    // Depending on the locale, lower() of PostgreSQL turns the letter U+0130 into "i", but the addresses are different.
    let other = ["\u{130}x@example.com", "ix@example.com"];
    let body = json!({ "name": "Two", "emails": other });
    let response = app.post("/persons", &body).send().await.expect("a response");
    let created: Value = response.json().await.expect("JSON");
    assert_eq!(created["emails"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn update_replaces_the_addresses_in_order_or_keeps_them() {
    let app = TestApp::spawn().await;
    let path = format!("/persons/{}", create(&app, "Ada").await["id"].as_str().expect("a string"));
    for (patch, emails) in [
        (
            json!({ "emails": ["b@x.example", "someone@example.com"] }),
            ["b@x.example", "someone@example.com"],
        ),
        (json!({ "name": "Ada King" }), ["b@x.example", "someone@example.com"]),
        (
            json!({ "emails": ["someone@example.com", "b@x.example"] }),
            ["someone@example.com", "b@x.example"],
        ),
    ] {
        let response = app.request("PATCH", &path).json(&patch).send().await.expect("a response");
        assert_eq!(response.status(), 200, "{patch}");
        assert_eq!(response.json::<Value>().await.expect("JSON")["emails"], json!(emails));
        let found: Value = get(&app, &path).await.json().await.expect("JSON");
        assert_eq!(found["emails"], json!(emails));
    }
}

#[tokio::test]
async fn concurrent_changes_of_the_addresses_leave_one_list() {
    let app = TestApp::spawn().await;
    let path = format!("/persons/{}", create(&app, "Ada").await["id"].as_str().expect("a string"));
    let list = |n: usize| json!([format!("{n}@a.example"), format!("{n}@b.example")]);
    let patches =
        (0..12).map(|n| app.request("PATCH", &path).json(&json!({ "emails": list(n) })).send());
    for response in futures_util::future::join_all(patches).await {
        assert_eq!(response.expect("a response").status(), 200);
    }
    let person: Value = get(&app, &path).await.json().await.expect("JSON");
    assert!((0..12).any(|n| person["emails"] == list(n)), "{person}");
    assert_eq!(person["version"], 13);
}

#[tokio::test]
async fn search_finds_names_nicknames_and_addresses() {
    let app = TestApp::spawn().await;
    for (name, nickname, email) in [
        ("Grace Hopper", "Amazing Grace", "Grace@Example.com"),
        ("Ada Lovelace", "Ada", "shared@example.com"),
        ("Alan Turing", "Prof", "shared@example.com"),
    ] {
        let body = json!({ "name": name, "nickname": nickname, "emails": [email] });
        assert_eq!(app.post("/persons", &body).send().await.expect("a response").status(), 201);
    }
    for (query, found) in [
        ("q=grace", vec!["Grace Hopper"]),
        ("q=prof", vec!["Alan Turing"]),
        ("q=lovelace+or+turing", vec!["Ada Lovelace", "Alan Turing"]),
        ("q=ada+-lovelace", vec![]),
        ("q=%27%22%25%5C", vec![]),
        ("email=grace@example.COM", vec!["Grace Hopper"]),
        ("email=shared@example.com", vec!["Ada Lovelace", "Alan Turing"]),
        ("email=shared@example.com&q=alan", vec!["Alan Turing"]),
    ] {
        let page: Value = get(&app, &format!("/persons?{query}")).await.json().await.expect("JSON");
        let names: Vec<_> =
            page["items"].as_array().expect("a list").iter().map(|it| &it["name"]).collect();
        assert_eq!(names, found, "{query}");
    }
    let response = get(&app, "/persons?limit=1&email=shared@example.com").await;
    let link = response.headers()["link"].to_str().expect("ASCII").to_owned();
    let next = response.json::<Value>().await.expect("JSON")["next"]
        .as_str()
        .expect("a cursor")
        .to_owned();
    let expected =
        format!("</persons?limit=1&email=shared@example.com&cursor={next}>; rel=\"next\"");
    assert_eq!(link, expected);
}

#[tokio::test]
async fn persons_may_share_an_email() {
    let app = TestApp::spawn().await;
    create(&app, "one").await;
    create(&app, "two").await;
}

#[tokio::test]
async fn invalid_bodies_return_every_error() {
    let app = TestApp::spawn().await;
    let emails = json!(["ada@example.com"]);
    let many = vec!["ada@example.com"; 21];
    let name = |name: &str| json!({ "name": name, "emails": emails }).to_string();
    let cases = [
        ("no name", json!({ "emails": emails }).to_string()),
        ("empty name", name("")),
        ("201 characters", name(&"a".repeat(201))),
        ("only blanks", name("  ")),
        ("NUL in the name", name("a\0b")),
        ("line feed in the name", name("a\nb")),
        ("right-to-left override", name("a\u{202e}b")),
        ("name is a number", json!({ "name": 36, "emails": emails }).to_string()),
        ("name is null", json!({ "name": null, "emails": emails }).to_string()),
        ("emails is a text", json!({ "name": "Ada", "emails": "ada@example.com" }).to_string()),
        ("no emails", json!({ "name": "Ada", "emails": [] }).to_string()),
        ("21 emails", json!({ "name": "Ada", "emails": many }).to_string()),
        ("no address", json!({ "name": "Ada", "emails": ["ada", "a b@c"] }).to_string()),
        ("unknown field", json!({ "name": "Ada", "emails": emails, "a/g~e": 36 }).to_string()),
        ("all at once", json!({ "nickname": "", "emails": [1, "@"], "age": 1 }).to_string()),
        ("not an object", "[]".to_owned()),
        ("not JSON", "{".to_owned()),
        ("lone surrogate", r#"{"name":"\ud800","emails":["ada@example.com"]}"#.to_owned()),
        ("empty", String::new()),
    ];
    let mut lines = String::new();
    for (why, body) in cases {
        let request = app.request("POST", "/persons").header("content-type", "application/json");
        let response = request.body(body).send().await.expect("a response");
        lines += &describe(why, response).await;
    }
    for content_type in ["text/plain", "application/problem+json", "application/merge-patch+json"] {
        let request = app.request("POST", "/persons").header("content-type", content_type);
        let response = request.body("{}").send().await.expect("a response");
        lines += &describe(content_type, response).await;
    }
    let response = app.request("POST", "/persons").body("{}").send().await.expect("a response");
    lines += &describe("no content type", response).await;
    insta::assert_snapshot!(lines, @r#"
    no name: 422 the request contains invalid values; "/name" is missing
    empty name: 422 the request contains invalid values; "/name" must have at least 1 characters; "/name" has an invalid format
    201 characters: 422 the request contains invalid values; "/name" must have at most 200 characters
    only blanks: 422 the request contains invalid values; "/name" has an invalid format
    NUL in the name: 422 the request contains invalid values; "/name" has an invalid format
    line feed in the name: 422 the request contains invalid values; "/name" has an invalid format
    right-to-left override: 422 the request contains invalid values; "/name" has an invalid format
    name is a number: 422 the request contains invalid values; "/name" must be of type string
    name is null: 422 the request contains invalid values; "/name" must be of type string
    emails is a text: 422 the request contains invalid values; "/emails" must be of type array
    no emails: 422 the request contains invalid values; "/emails" must have at least 1 items
    21 emails: 422 the request contains invalid values; "/emails" must have at most 20 items
    no address: 422 the request contains invalid values; "/emails/0" has an invalid format; "/emails/1" has an invalid format
    unknown field: 422 the request contains invalid values; "/a~1g~0e" is not a known field
    all at once: 422 the request contains invalid values; "/name" is missing; "/emails/0" must be of type string; "/emails/1" must have at least 3 characters; "/emails/1" has an invalid format; "/nickname" must have at least 1 characters; "/nickname" has an invalid format; "/age" is not a known field
    not an object: 422 the request contains invalid values; "" must be of type object
    not JSON: 400 the body is not JSON: line 1, column 1
    lone surrogate: 400 the body is not JSON: line 1, column 16
    empty: 400 the body is not JSON: line 1, column 0
    text/plain: 415 send the body as Content-Type: application/json
    application/problem+json: 415 send the body as Content-Type: application/json
    application/merge-patch+json: 415 send the body as Content-Type: application/json
    no content type: 415 send the body as Content-Type: application/json
    "#);
}

#[tokio::test]
async fn invalid_queries_and_ids_return_the_error() {
    let app = TestApp::spawn().await;
    let mut lines = String::new();
    for path in [
        "/persons?limit=0",
        "/persons?limit=101",
        "/persons?limit=-1",
        "/persons?limit=x",
        "/persons?cursor=x",
        "/persons?cursor=",
        "/persons?q=",
        "/persons?q=%00",
        "/persons?email=a",
        "/persons?email=example.com",
        "/persons?email=a%20b@c",
        "/persons/00000000-0000-7000-8000-000000000000",
        "/persons/x",
        "/persons/%00",
        "/persons/",
    ] {
        lines += &describe(path, get(&app, path).await).await;
    }
    insta::assert_snapshot!(lines, @r#"
    /persons?limit=0: 422 a parameter is invalid; "limit" is invalid, see the OpenAPI document
    /persons?limit=101: 422 a parameter is invalid; "limit" is invalid, see the OpenAPI document
    /persons?limit=-1: 422 a parameter is invalid; "limit" is invalid, see the OpenAPI document
    /persons?limit=x: 422 a parameter is invalid; "limit" is invalid, see the OpenAPI document
    /persons?cursor=x: 422 a parameter is invalid; "cursor" is invalid, see the OpenAPI document
    /persons?cursor=: 422 a parameter is invalid; "cursor" is invalid, see the OpenAPI document
    /persons?q=: 422 a parameter is invalid; "q" is invalid, see the OpenAPI document
    /persons?q=%00: 422 a parameter is invalid; "q" is invalid, see the OpenAPI document
    /persons?email=a: 422 a parameter is invalid; "email" is invalid, see the OpenAPI document
    /persons?email=example.com: 422 a parameter is invalid; "email" is invalid, see the OpenAPI document
    /persons?email=a%20b@c: 422 a parameter is invalid; "email" is invalid, see the OpenAPI document
    /persons/00000000-0000-7000-8000-000000000000: 404 the person does not exist
    /persons/x: 404 this path does not exist
    /persons/%00: 404 this path does not exist
    /persons/: 404 this path does not exist
    "#);
}

/// Returns a line with the kind of request and the errors of its response.
async fn describe(why: &str, response: Response) -> String {
    let status = response.status().as_u16();
    let problem = problem(response, status).await;
    let mut line = format!("{why}: {status} {}", problem["detail"].as_str().expect("a string"));
    for error in problem["errors"].as_array().into_iter().flatten() {
        let place = error.get("pointer").or(error.get("parameter")).expect("a place");
        let detail = error["detail"].as_str().expect("a string");
        write!(line, "; {place} {detail}").expect("a String takes everything");
    }
    line + "\n"
}
