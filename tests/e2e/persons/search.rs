//! Persons listed by name, by the beginning of a name and by an address.

use serde_json::{Value, json};

use super::get;
use crate::harness::{TestApp, problem};

const PEOPLE: [(&str, &str); 5] = [
    ("grace", "Grace@Example.com"),
    ("Ada", "ada@example.com"),
    ("Alan", "shared@example.com"),
    ("ADA", "shared@example.com"),
    ("100%_\\Bo", "bo@example.com"),
];

async fn people() -> TestApp {
    let app = TestApp::spawn().await;
    for (name, email) in PEOPLE {
        let body = json!({ "name": name, "emails": [email] });
        let response = app.post("/persons", &body).send().await.expect("an answer");
        assert_eq!(response.status(), 201);
    }
    app
}

/// The names of all pages of two, following the `Link` header from one to the next.
async fn names(app: &TestApp, query: &str) -> Vec<String> {
    let (mut names, mut path) = (Vec::new(), Some(format!("/persons?limit=2&{query}")));
    while let Some(this) = path {
        let response = get(app, &this).await;
        assert_eq!(response.status(), 200, "{this}");
        let link =
            response.headers().get("link").map(|link| link.to_str().expect("ASCII").to_owned());
        let page: Value = response.json().await.expect("JSON");
        assert_eq!(link.is_some(), page.get("next").is_some());
        let items = page["items"].as_array().expect("a list").iter();
        names.extend(items.map(|person| person["name"].as_str().expect("a string").to_owned()));
        path = link.map(|link| {
            let (path, rest) = link.trim_start_matches('<').split_once('>').expect("a link");
            assert_eq!(rest, "; rel=\"next\"");
            path.to_owned()
        });
    }
    names
}

#[tokio::test]
async fn persons_are_listed_by_creation_or_by_name() {
    let app = people().await;
    assert_eq!(names(&app, "").await, ["grace", "Ada", "Alan", "ADA", "100%_\\Bo"]);
    assert_eq!(names(&app, "sort=created_at").await, ["grace", "Ada", "Alan", "ADA", "100%_\\Bo"]);
    assert_eq!(names(&app, "sort=name").await, ["100%_\\Bo", "Ada", "ADA", "Alan", "grace"]);
}

#[tokio::test]
async fn a_name_prefix_is_compared_without_case_and_to_the_letter() {
    let app = people().await;
    for (prefix, found) in [
        ("a", vec!["Ada", "Alan", "ADA"]),
        ("AD", vec!["Ada", "ADA"]),
        ("100%25_%5C", vec!["100%_\\Bo"]),
        ("%25", vec![]),
        ("_", vec![]),
    ] {
        assert_eq!(names(&app, &format!("name_prefix={prefix}")).await, found, "{prefix}");
        let mut by_name = names(&app, &format!("sort=name&name_prefix={prefix}")).await;
        by_name.sort();
        let mut found = found;
        found.sort_unstable();
        assert_eq!(by_name, found, "{prefix}");
    }
}

#[tokio::test]
async fn an_address_is_found_whole_and_without_case() {
    let app = people().await;
    assert_eq!(names(&app, "email=grace@example.COM").await, ["grace"]);
    assert_eq!(names(&app, "email=shared@example.com").await, ["Alan", "ADA"]);
    assert_eq!(names(&app, "email=shared@example.com&name_prefix=al").await, ["Alan"]);
    assert!(names(&app, "email=example.com").await.is_empty());
}

#[tokio::test]
async fn a_cursor_of_another_order_is_refused() {
    let app = people().await;
    let page: Value = get(&app, "/persons?limit=1&sort=name").await.json().await.expect("JSON");
    let next = page["next"].as_str().expect("a string");
    problem(get(&app, &format!("/persons?cursor={next}")).await, 422).await;
    let page: Value = get(&app, "/persons?limit=1").await.json().await.expect("JSON");
    let next = page["next"].as_str().expect("a string");
    problem(get(&app, &format!("/persons?sort=name&cursor={next}")).await, 422).await;
}
