//! Runs the queries of docs/runbook.md and docs/runbook-database.md in the situations that they are for.

use std::{fs, path::Path, time::Duration};

use db::Client;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::harness::{Database, TestApp, config};

const PATIENCE: Duration = Duration::from_secs(20);

/// Every statement of the page: what it is for, and its text.
fn statements() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository");
    let page = ["docs/runbook.md", "docs/runbook-database.md"]
        .map(|page| fs::read_to_string(root.join(page)).expect("the page"))
        .concat();
    let blocks = page.split("```sql\n-- ").skip(1);
    let parts = blocks.map(|block| block.split("```").next().expect("its end"));
    parts
        .map(|block| block.split_once('\n').expect("a statement"))
        .map(|(purpose, statement)| (purpose.to_owned(), statement.to_owned()))
        .collect()
}

fn statement(purpose: &str) -> String {
    let found = statements().into_iter().find(|(it, _)| it == purpose);
    found.unwrap_or_else(|| panic!("the page has no `{purpose}`")).1
}

/// Waits until a statement of the page finds something, and returns how much.
async fn finds(client: &Client, purpose: &str) -> usize {
    let statement = statement(purpose);
    let found = async {
        loop {
            let rows = client.query(&statement, &[]).await.expect(purpose);
            if !rows.is_empty() {
                return rows.len();
            }
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, found).await.unwrap_or_else(|_| panic!("`{purpose}` finds nothing"))
}

async fn status(app: &TestApp, path: &str) -> u16 {
    app.get(path).send().await.expect("an answer").status().as_u16()
}

#[tokio::test]
async fn every_statement_is_one_that_postgresql_takes() {
    let database = Database::migrated().await;
    let client = database.connect().await;
    assert!(statements().len() > 8);
    for (purpose, statement) in statements() {
        let done = client.batch_execute(&statement).await;
        done.unwrap_or_else(|error| panic!("{purpose}: {error:?}"));
    }
}

#[tokio::test]
async fn what_others_wait_for_is_found_and_ended() {
    let app = TestApp::spawn().await;
    let (culprit, operator) = (app.database.connect().await, app.database.connect().await);
    culprit.batch_execute("BEGIN; LOCK TABLE persons").await.expect("the lock");
    let request = tokio::spawn(app.get("/persons").send());
    assert_eq!(finds(&operator, "list blocked queries and their blockers").await, 1);
    assert_eq!(finds(&operator, "list the longest running queries").await, 1);
    assert_eq!(finds(&operator, "end the connections that block others").await, 1);
    assert_eq!(request.await.expect("no panic").expect("an answer").status(), 200);
}

#[tokio::test]
async fn a_transaction_that_does_nothing_is_ended() {
    let database = Database::migrated().await;
    let (idle, operator) = (database.connect().await, database.connect().await);
    idle.batch_execute("BEGIN").await.expect("a transaction");
    assert!(finds(&operator, "list the connections by user and state").await > 1);
    let purpose = "end connections that are idle in a transaction for a minute";
    let at_once = statement(purpose).replace("1 minute", "0 seconds");
    assert_eq!(operator.query(&at_once, &[]).await.expect("rows").len(), 1);
    assert!(idle.batch_execute("SELECT").await.is_err());
}

#[tokio::test]
async fn a_migration_goes_on_when_what_it_waits_for_is_ended() {
    let database = Database::empty().await;
    let (culprit, operator) = (database.connect().await, database.connect().await);
    // The first migration makes a table of this name, and waits for whether this one is to stay.
    culprit.batch_execute("BEGIN; CREATE TABLE persons ()").await.expect("a table");
    let config = config(&database, &[]);
    let migration = tokio::spawn(async move { migrate::up(&config, false, None).await });
    finds(&operator, "list blocked queries and their blockers").await;
    finds(&operator, "list running migrations").await;
    finds(&operator, "end the connections that block others").await;
    migration.await.expect("no panic").expect("it goes on");
    assert_eq!(
        db::migrations::applied(&operator).await.expect("rows").len(),
        db::migrations::known().len()
    );
}

#[tokio::test]
async fn whoever_has_a_token_is_out_within_seconds() {
    let app = TestApp::spawn().await;
    let path = format!("/persons/{}", Uuid::new_v4());
    assert_eq!(status(&app, &path).await, 404);
    let operator = app.database.connect().await;
    assert_eq!(finds(&operator, "list the accounts that have tokens").await, 2);
    operator.batch_execute(&statement("end every session and token")).await.expect("it is done");
    let is_out = async {
        while status(&app, &path).await != 401 {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, is_out).await.expect("out");
}
