//! The schema after all migrations.

use db::migrations;

use crate::harness::{Database, config};

// Finds foreign keys without an index. Deleting a referenced row would then scan the whole referencing table.
const UNINDEXED: &str = "\
SELECT conrelid::regclass || ' ' || conname FROM pg_constraint
WHERE contype = 'f' AND NOT EXISTS (
    SELECT FROM pg_index WHERE indrelid = conrelid AND indisvalid AND indpred IS NULL
        AND (indkey::int2[])[0:cardinality(conkey) - 1] @> conkey)";

#[tokio::test]
async fn the_committed_schema_matches_the_migrations() {
    let database = Database::migrated().await;
    let client = database.connect().await;
    let described = migrations::describe(&client).await.expect("a text");
    let stale = "crates/db/schema.sql is stale: `cargo xtask migrate schema` writes it";
    assert!(described == include_str!("../../../crates/db/schema.sql"), "{stale}");
    let config = config(&database, &[]);
    assert_eq!(migrate::schema(&config).await.expect("a text"), described);
}

#[tokio::test]
async fn every_reference_has_an_index() {
    let database = Database::migrated().await;
    let client = database.connect().await;
    let unindexed = client.query(UNINDEXED, &[]).await.expect("a response");
    let unindexed: Vec<&str> = unindexed.iter().map(|row| row.get(0)).collect();
    assert!(unindexed.is_empty(), "{unindexed:?}");
}

#[tokio::test]
async fn status_shows_the_tool_version_of_each_migration() {
    let database = Database::empty().await;
    let config = config(&database, &[]);
    migrate::up(&config, false, None).await.expect("applied");
    let client = database.connect().await;
    client
        .batch_execute("UPDATE refinery_schema_history SET applied_by = NULL WHERE version = 1")
        .await
        .expect("a row of an older tool");
    let said = migrate::status(&config, false).await.expect("a response");
    assert!(said.lines().next().is_some_and(|line| line.contains(" by an older tool ")), "{said}");
    let others = said.lines().skip(1);
    let version = env!("CARGO_PKG_VERSION");
    assert!(others.clone().all(|line| line.contains(&format!(" by {version} "))), "{said}");
}
