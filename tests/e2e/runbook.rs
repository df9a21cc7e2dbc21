//! Runs the queries of docs/runbook.md and docs/runbook-database.md in the situations that they are for.

use std::{fs, path::Path, time::Duration};

use db::Client;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::harness::{Database, TestApp, config};

const TIMEOUT: Duration = Duration::from_secs(20);

/// Returns every query of the page with its purpose.
fn queries() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository");
    let page = ["docs/runbook.md", "docs/runbook-database.md"]
        .map(|page| fs::read_to_string(root.join(page)).expect("the page"))
        .concat();
    let blocks = page.split("```sql\n-- ").skip(1);
    let parts = blocks.map(|block| block.split("```").next().expect("its end"));
    parts
        .map(|block| block.split_once('\n').expect("a query"))
        .map(|(purpose, query)| (purpose.to_owned(), query.to_owned()))
        .collect()
}

fn query(purpose: &str) -> String {
    let found = queries().into_iter().find(|(it, _)| it == purpose);
    found.unwrap_or_else(|| panic!("the page has no `{purpose}`")).1
}

/// Repeats a query of the page until it returns rows, and returns their number.
async fn finds(client: &Client, purpose: &str) -> usize {
    let query = query(purpose);
    let found = async {
        loop {
            let rows = client.query(&query, &[]).await.expect(purpose);
            if !rows.is_empty() {
                return rows.len();
            }
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(TIMEOUT, found).await.unwrap_or_else(|_| panic!("`{purpose}` returns no rows"))
}

async fn status(app: &TestApp, path: &str) -> u16 {
    app.get(path).send().await.expect("a response").status().as_u16()
}

#[tokio::test]
async fn every_query_is_valid() {
    let database = Database::migrated().await;
    let client = database.connect().await;
    assert!(queries().len() > 8);
    for (purpose, query) in queries() {
        let done = client.batch_execute(&query).await;
        done.unwrap_or_else(|error| panic!("{purpose}: {error:?}"));
    }
}

#[tokio::test]
async fn blocking_transactions_are_found_and_ended() {
    let app = TestApp::spawn().await;
    let (culprit, operator) = (app.database.connect().await, app.database.connect().await);
    culprit.batch_execute("BEGIN; LOCK TABLE persons").await.expect("the lock");
    let request = tokio::spawn(app.get("/persons").send());
    assert_eq!(finds(&operator, "list blocked queries and their blockers").await, 1);
    assert_eq!(finds(&operator, "list the longest running queries").await, 1);
    assert_eq!(finds(&operator, "end the connections that block others").await, 1);
    assert_eq!(request.await.expect("no panic").expect("a response").status(), 200);
}

#[tokio::test]
async fn an_idle_transaction_is_ended() {
    let database = Database::migrated().await;
    let (idle, operator) = (database.connect().await, database.connect().await);
    idle.batch_execute("BEGIN").await.expect("a transaction");
    assert!(finds(&operator, "list the connections by user and state").await > 1);
    let purpose = "end connections that are idle in a transaction for a minute";
    let at_once = query(purpose).replace("1 minute", "0 seconds");
    assert_eq!(operator.query(&at_once, &[]).await.expect("rows").len(), 1);
    assert!(idle.batch_execute("SELECT").await.is_err());
}

#[tokio::test]
async fn a_migration_continues_after_its_blocker_is_ended() {
    let database = Database::empty().await;
    let (culprit, operator) = (database.connect().await, database.connect().await);
    // The first migration creates a table with the same name, so the migration waits for this transaction.
    culprit.batch_execute("BEGIN; CREATE TABLE persons ()").await.expect("a table");
    let config = config(&database, &[]);
    let migration = tokio::spawn(async move { migrate::up(&config, false, None).await });
    finds(&operator, "list blocked queries and their blockers").await;
    finds(&operator, "list running migrations").await;
    finds(&operator, "end the connections that block others").await;
    migration.await.expect("no panic").expect("the migration continues");
    assert_eq!(
        db::migrations::applied(&operator).await.expect("rows").len(),
        db::migrations::known().len()
    );
}

#[tokio::test]
async fn ended_tokens_are_rejected_within_seconds() {
    let app = TestApp::spawn().await;
    let path = format!("/persons/{}", Uuid::new_v4());
    assert_eq!(status(&app, &path).await, 404);
    let operator = app.database.connect().await;
    assert_eq!(finds(&operator, "list the accounts that have tokens").await, 2);
    let config = config(&app.database, &[]);
    let unknown = migrate::revoke_tokens(&config, Some(Uuid::new_v4()), None).await;
    assert!(unknown.expect_err("an unknown id").to_string().contains("no token has the id"));
    let output = migrate::revoke_tokens(&config, None, None).await.expect("a result");
    assert_eq!(output, "revoked 2 tokens and sessions\n");
    let rejected = async {
        while status(&app, &path).await != 401 {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(TIMEOUT, rejected).await.expect("a rejected token");
}
