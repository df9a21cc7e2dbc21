//! `seed --rows`: as many synthetic persons as one wants, always the same ones.

use std::cell::RefCell;

use db::Client;

use crate::harness::{Database, TestApp, config};

/// All that is synthetic in the database, as one text.
async fn rows(client: &Client) -> String {
    let all = "SELECT string_agg(concat_ws('|', id, name, nickname, emails, created_at), E'\\n' ORDER BY id) FROM persons";
    client.query_one(all, &[]).await.expect("an answer").get(0)
}

async fn seeded(count: u32) -> (Database, String) {
    let database = Database::migrated().await;
    let said = migrate::seed_rows(&config(&database, &[]), count, &|_| {}).await.expect("loaded");
    assert_eq!(said, format!("loaded {count} synthetic persons\n"));
    let rows = rows(&database.connect().await).await;
    (database, rows)
}

#[tokio::test]
async fn the_same_number_gives_the_same_rows_and_more_of_them_begin_with_these() {
    let (_first, few) = seeded(50).await;
    let (_second, again) = seeded(50).await;
    let (_third, many) = seeded(80).await;
    assert_eq!(few, again);
    assert!(many.starts_with(&few));
}

#[tokio::test]
async fn those_that_are_there_already_are_left_alone_and_the_missing_ones_are_loaded() {
    let (database, _) = seeded(30).await;
    let client = database.connect().await;
    let change = "DELETE FROM persons WHERE id IN (SELECT id FROM persons ORDER BY id LIMIT 3); \
        UPDATE persons SET nickname = 'Mine'";
    client.batch_execute(change).await.expect("a change");
    let told = RefCell::new(Vec::new());
    let tell = |count| told.borrow_mut().push(count);
    let said = migrate::seed_rows(&config(&database, &[]), 40, &tell).await.expect("loaded");
    assert_eq!(said, "loaded 13 synthetic persons; 27 existed already\n");
    assert_eq!(told.into_inner(), [40]);
    let mine = "SELECT count(*) FILTER (WHERE nickname = 'Mine'), count(*) FROM persons";
    let row = client.query_one(mine, &[]).await.expect("an answer");
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (27, 40));
}

#[tokio::test]
async fn two_commands_at_once_load_them_one_after_the_other() {
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
async fn the_api_shows_them_and_production_refuses_them() {
    let app = TestApp::spawn().await;
    let production = config(&app.database, &[("APP_ENV", "production")]);
    let error = migrate::seed_rows(&production, 10, &|_| {}).await.expect_err("production");
    assert!(error.to_string().contains("refused"), "{error}");
    migrate::seed_rows(&config(&app.database, &[]), 10, &|_| {}).await.expect("loaded");
    let page = app.get("/persons?limit=100").send().await.expect("an answer");
    let page: serde_json::Value = page.json().await.expect("JSON");
    assert_eq!(page["items"].as_array().expect("a list").len(), 10);
}
