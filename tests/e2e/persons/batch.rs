//! Many persons at once.

use serde_json::{Value, json};

use super::get;
use crate::harness::{TestApp, problem};

#[tokio::test]
async fn a_thousand_are_created_in_their_order() {
    let app = TestApp::spawn().await;
    let item = |number| json!({ "name": format!("{number}"), "emails": ["a@example.com"] });
    let items: Vec<_> = (0..1000).map(item).collect();
    let response = app.post("/persons/batch", &json!({ "items": items })).send().await;
    let response = response.expect("an answer");
    assert_eq!(response.status(), 201);
    let created: Value = response.json().await.expect("JSON");
    let created = created["items"].as_array().expect("a list");
    assert_eq!(created.len(), 1000);
    assert!(created.iter().zip(&items).all(|(is, given)| is["name"] == given["name"]));
    let page: Value = get(&app, "/persons?limit=100").await.json().await.expect("JSON");
    assert_eq!(page["items"].as_array().expect("a list"), &created[..100]);
}

#[tokio::test]
async fn one_bad_item_refuses_all_and_is_named() {
    let app = TestApp::spawn().await;
    let good = json!({ "name": "Ada", "emails": ["a@example.com"] });
    let twice = json!({ "name": "Ada", "emails": ["a@example.com", "b@c", "A@example.com"] });
    let unnamed = json!({ "emails": ["a@example.com"] });
    for (items, status, pointer) in [
        (json!([good, unnamed]), 422, "/items/1/name"),
        (json!([good, good, twice]), 409, "/items/2/emails/2"),
        (json!([]), 422, "/items"),
        (json!(vec![good.clone(); 1001]), 422, "/items"),
    ] {
        let request = app.post("/persons/batch", &json!({ "items": items }));
        let problem = problem(request.send().await.expect("an answer"), status).await;
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    let page: Value = get(&app, "/persons").await.json().await.expect("JSON");
    assert_eq!(page, json!({ "items": [] }));
}
