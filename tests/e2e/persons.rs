//! Persons: created, found, listed page by page, and refused.

use reqwest::Response;
use serde_json::{Value, json};

use crate::harness::{TestApp, problem};

async fn create(app: &TestApp, name: &str) -> Value {
    let body = json!({ "name": name, "emails": ["someone@example.com"] });
    let response = app.post("/persons", &body).send().await.expect("an answer");
    assert_eq!(response.status(), 201);
    response.json().await.expect("JSON")
}

async fn get(app: &TestApp, path: &str) -> Response {
    app.get(path).send().await.expect("an answer")
}

#[tokio::test]
async fn a_created_person_is_found_where_location_says() {
    let app = TestApp::spawn().await;
    let body = json!({ "name": "Ada Lovelace", "emails": ["Ada@example.com", "al@x.example"] });
    let response = app.post("/persons", &body).send().await.expect("an answer");
    assert_eq!(response.status(), 201);
    let location = response.headers()["location"].to_str().expect("ASCII").to_owned();
    let created: Value = response.json().await.expect("JSON");
    assert_eq!(location, format!("/persons/{}", created["id"].as_str().expect("a string")));
    insta::assert_json_snapshot!(
        created,
        { ".created_at" => "[time]", ".id" => "[uuid]", ".emails[].id" => "[uuid]" },
        @r#"
    {
      "created_at": "[time]",
      "emails": [
        {
          "address": "Ada@example.com",
          "id": "[uuid]"
        },
        {
          "address": "al@x.example",
          "id": "[uuid]"
        }
      ],
      "id": "[uuid]",
      "name": "Ada Lovelace"
    }
    "#
    );

    let response = get(&app, &location).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.json::<Value>().await.expect("JSON"), created);
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repeat() {
    let app = TestApp::spawn().await;
    let mut created = Vec::new();
    for name in ["one", "two", "three", "four", "five"] {
        created.push(create(&app, name).await);
    }
    let (mut found, mut sizes, mut query) = (Vec::new(), Vec::new(), String::new());
    loop {
        let page: Value =
            get(&app, &format!("/persons?limit=2{query}")).await.json().await.expect("JSON");
        let items = page["items"].as_array().expect("a list");
        sizes.push(items.len());
        found.extend_from_slice(items);
        let Some(next) = page.get("next") else { break };
        query = format!("&cursor={}", next.as_str().expect("a string"));
    }
    assert_eq!(found, created);
    assert_eq!(sizes, [2, 2, 1]);
}

#[tokio::test]
async fn a_last_page_that_is_full_has_no_next() {
    let app = TestApp::spawn().await;
    let page: Value = get(&app, "/persons").await.json().await.expect("JSON");
    assert_eq!(page, json!({ "items": [] }));

    let created = [create(&app, "one").await, create(&app, "two").await];
    let page: Value = get(&app, "/persons?limit=2").await.json().await.expect("JSON");
    assert_eq!(page, json!({ "items": created }));
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
async fn two_hundred_characters_and_twenty_addresses_are_accepted() {
    let app = TestApp::spawn().await;
    let emails: Vec<_> = (0..20).map(|number| format!("{number}@example.com")).collect();
    let body = json!({ "name": "🦀".repeat(200), "emails": emails });
    let response = app.post("/persons", &body).send().await.expect("an answer");
    assert_eq!(response.status(), 201);
    let created: Value = response.json().await.expect("JSON");
    let given = created["emails"].as_array().expect("a list").iter();
    assert!(given.map(|email| &email["address"]).eq(&emails), "{created}");
}

#[tokio::test]
async fn the_same_address_twice_is_a_conflict_and_stores_nothing() {
    let app = TestApp::spawn().await;
    let body = json!({ "name": "Ada", "emails": ["ada@example.com", "ADA@example.com"] });
    let response = app.post("/persons", &body).send().await.expect("an answer");
    insta::assert_json_snapshot!(problem(response, 409).await, @r#"
    {
      "code": "conflict",
      "detail": "emails: an address is given twice",
      "status": 409,
      "title": "Conflict",
      "type": "urn:problem:conflict"
    }
    "#);
    let page: Value = get(&app, "/persons").await.json().await.expect("JSON");
    assert_eq!(page, json!({ "items": [] }));
}

#[tokio::test]
async fn an_address_of_another_person_is_no_conflict() {
    let app = TestApp::spawn().await;
    create(&app, "one").await;
    create(&app, "two").await;
}

#[tokio::test]
async fn bad_bodies_are_refused_with_the_reason() {
    let app = TestApp::spawn().await;
    let emails = json!(["ada@example.com"]);
    let many = vec!["ada@example.com"; 21];
    let cases = [
        ("no name", json!({ "emails": emails }).to_string()),
        ("empty name", json!({ "name": "", "emails": emails }).to_string()),
        ("201 characters", json!({ "name": "a".repeat(201), "emails": emails }).to_string()),
        ("NUL in the name", json!({ "name": "a\0b", "emails": emails }).to_string()),
        ("name is a list", json!({ "name": ["Ada"], "emails": emails }).to_string()),
        ("emails is a text", json!({ "name": "Ada", "emails": "ada@example.com" }).to_string()),
        ("missing emails", json!({ "name": "Ada" }).to_string()),
        ("no emails", json!({ "name": "Ada", "emails": [] }).to_string()),
        ("21 emails", json!({ "name": "Ada", "emails": many }).to_string()),
        ("short email", json!({ "name": "Ada", "emails": ["@a"] }).to_string()),
        ("NUL in an email", json!({ "name": "Ada", "emails": ["a@b\0"] }).to_string()),
        ("unknown field", json!({ "name": "Ada", "emails": emails, "age": 36 }).to_string()),
        ("not an object", "[]".to_owned()),
        ("not JSON", "{".to_owned()),
        ("empty", String::new()),
    ];
    let mut answers = String::new();
    for (why, body) in cases {
        let request = app.request("POST", "/persons").header("content-type", "application/json");
        let response = request.body(body).send().await.expect("an answer");
        answers += &describe(why, response).await;
    }
    let response = app.request("POST", "/persons").body("{}").send().await.expect("an answer");
    answers += &describe("no content type", response).await;
    insta::assert_snapshot!(answers, @r#"
    no name: 400 Expected input type "string", found null. (occurred while parsing "CreatePerson")
    empty name: 400 failed to parse "CreatePerson": field `name` verification failed. minLength(1)
    201 characters: 400 failed to parse "CreatePerson": field `name` verification failed. maxLength(200)
    NUL in the name: 400 a value cannot be stored
    name is a list: 400 Expected input type "string", found ["Ada"]. (occurred while parsing "CreatePerson")
    emails is a text: 400 Expected input type "list_string", found "ada@example.com". (occurred while parsing "CreatePerson")
    missing emails: 400 Expected input type "list_string", found null. (occurred while parsing "CreatePerson")
    no emails: 400 failed to parse "CreatePerson": field `emails` verification failed. minItems(1)
    21 emails: 400 failed to parse "CreatePerson": field `emails` verification failed. maxItems(20)
    short email: 400 failed to parse "CreatePerson": field `emails` verification failed. minLength(3)
    NUL in an email: 400 a value cannot be stored
    unknown field: 400 failed to parse "CreatePerson": unknown field `age`.
    not an object: 400 Expected input type "CreatePerson", found [].
    not JSON: 400 EOF while parsing an object at line 1 column 1
    empty: 400 Expected input type "CreatePerson", found null.
    no content type: 415 send the body as Content-Type: application/json
    "#);
}

#[tokio::test]
async fn bad_queries_and_ids_are_refused_with_the_reason() {
    let app = TestApp::spawn().await;
    let mut answers = String::new();
    for path in [
        "/persons?limit=0",
        "/persons?limit=101",
        "/persons?limit=-1",
        "/persons?limit=x",
        "/persons?cursor=x",
        "/persons?cursor=",
        "/persons/00000000-0000-7000-8000-000000000000",
        "/persons/x",
        "/persons/%00",
        "/persons/",
    ] {
        answers += &describe(path, get(&app, path).await).await;
    }
    insta::assert_snapshot!(answers, @r#"
    /persons?limit=0: 400 the parameter limit: verification failed. minimum(1, exclusive: false)
    /persons?limit=101: 400 the parameter limit: verification failed. maximum(100, exclusive: false)
    /persons?limit=-1: 400 the parameter limit: failed to parse "integer(uint32)": invalid digit found in string
    /persons?limit=x: 400 the parameter limit: failed to parse "integer(uint32)": invalid digit found in string
    /persons?cursor=x: 400 cursor: pass the `next` of a page as it is
    /persons?cursor=: 400 cursor: pass the `next` of a page as it is
    /persons/00000000-0000-7000-8000-000000000000: 404 there is no person with this id
    /persons/x: 404 nothing is here
    /persons/%00: 404 nothing is here
    /persons/: 404 nothing is here
    "#);
}

/// One line: what was wrong, and what the answer says of it.
async fn describe(why: &str, response: Response) -> String {
    let status = response.status().as_u16();
    let problem = problem(response, status).await;
    format!("{why}: {status} {}\n", problem["detail"].as_str().expect("a string"))
}
