//! `seed --rows` creates any number of synthetic persons, always the same ones.

use std::cell::RefCell;

use db::Client;

use crate::harness::{Database, TestApp, config};

/// Returns the persons and e-mail addresses of the database as text.
async fn rows(client: &Client) -> String {
    let all = "SELECT string_agg(concat_ws('|', id, name, nickname, emails, created_at), E'\\n' ORDER BY id) FROM persons";
    client.query_one(all, &[]).await.expect("a response").get(0)
}

async fn seeded(count: u32) -> (Database, String) {
    let database = Database::migrated().await;
    let said = migrate::seed_rows(&config(&database, &[]), count, &|_| {}).await.expect("loaded");
    assert_eq!(said, format!("loaded {count} synthetic persons\n"));
    let rows = rows(&database.connect().await).await;
    (database, rows)
}

#[tokio::test]
async fn synthetic_rows_are_deterministic() {
    let (_first, few) = seeded(50).await;
    let (_second, again) = seeded(50).await;
    let (_third, many) = seeded(80).await;
    assert_eq!(few, again);
    assert!(many.starts_with(&few));
}

#[tokio::test]
async fn seed_keeps_existing_rows_and_adds_missing_ones() {
    let (database, _) = seeded(30).await;
    let client = database.connect().await;
    let change = "DELETE FROM persons WHERE id IN (SELECT id FROM persons ORDER BY id LIMIT 3); \
        UPDATE persons SET nickname = 'Mine'";
    client.batch_execute(change).await.expect("a change");
    let reported = RefCell::new(Vec::new());
    let report = |count| reported.borrow_mut().push(count);
    let said = migrate::seed_rows(&config(&database, &[]), 40, &report).await.expect("loaded");
    assert_eq!(said, "loaded 13 synthetic persons; 27 existed already\n");
    assert_eq!(reported.into_inner(), [40]);
    let mine = "SELECT count(*) FILTER (WHERE nickname = 'Mine'), count(*) FROM persons";
    let row = client.query_one(mine, &[]).await.expect("a response");
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (27, 40));
}

#[tokio::test]
async fn concurrent_seeds_load_the_rows_once() {
    let database = Database::migrated().await;
    let config = config(&database, &[]);
    let load = || migrate::seed_rows(&config, 3000, &|_| {});
    let (one, other) = tokio::join!(load(), load());
    let mut said = [one.expect("loaded"), other.expect("loaded")];
    said.sort();
    assert_eq!(said[0], "loaded 0 synthetic persons; 3000 existed already\n");
    assert_eq!(said[1], "loaded 3000 synthetic persons\n");
}

#[tokio::test]
async fn the_api_lists_synthetic_persons_and_production_rejects_seed() {
    let app = TestApp::spawn().await;
    let production = config(&app.database, &[("APP_ENV", "production")]);
    let error = migrate::seed_rows(&production, 10, &|_| {}).await.expect_err("production");
    assert!(error.to_string().contains("refused"), "{error}");
    migrate::seed_rows(&config(&app.database, &[]), 10, &|_| {}).await.expect("loaded");
    let page = app.get("/persons?limit=100").send().await.expect("a response");
    let page: serde_json::Value = page.json().await.expect("JSON");
    assert_eq!(page["items"].as_array().expect("a list").len(), 10);
}
