//! Commits: of a failed transaction, and of a revocation whose request has ended.

use std::time::{Duration, Instant};

use futures_util::future::join;
use serde_json::{Value, json};
use store::{Connection, Database};
use tokio::time::sleep;

use super::waiting_are;
use crate::harness::{TestApp, config, problem};

#[tokio::test]
async fn commit_of_a_failed_transaction_is_an_error() {
    let app = TestApp::spawn().await;
    let variables = [("DATABASE_POOL_SIZE", "1")];
    let database = Database::new(&config(&app.database, &variables).database).expect("a URL");
    let insert = "INSERT INTO idempotency_keys (key, fingerprint) VALUES ('k', '')";
    let transaction = database.begin().await.expect("a connection");
    assert_eq!(transaction.execute(insert, &[]).await.expect("a table"), 1);
    transaction.query("SELECT 1 / 0", &[]).await.expect_err("the query fails");
    transaction.commit().await.expect_err("PostgreSQL rolls back");

    // The pool has only one connection. The next lines check that this connection is usable again.
    let transaction = database.begin().await.expect("a connection");
    assert_eq!(transaction.execute(insert, &[]).await.expect("the key is new"), 1);
    transaction.commit().await.expect("a commit");
    let client = database.client().await.expect("a connection");
    assert_eq!(client.query("SELECT FROM idempotency_keys", &[]).await.expect("rows").len(), 1);
}

#[tokio::test]
async fn revocation_takes_effect_although_its_request_timed_out() {
    let app = TestApp::spawn_with(&[("API_REQUEST_TIMEOUT_SECONDS", "1")]).await;
    let client = app.database.connect().await;
    let slow_commits = "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            PERFORM pg_sleep(2); RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER slow AFTER DELETE ON tokens DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION slow()";
    client.batch_execute(slow_commits).await.expect("a trigger");
    let body = json!({ "name": "ci", "scope": "read" });
    let made = app.post("/tokens", &body).send().await.expect("a response");
    let made: Value = made.json().await.expect("JSON");
    let (id, token) =
        (made["id"].as_str().expect("an id"), made["token"].as_str().expect("a token"));
    let revoke = app.request("DELETE", &format!("/tokens/{id}"));
    problem(revoke.send().await.expect("a response"), 504).await;

    // The server may cache the token, because the transaction that deletes it is not committed yet.
    let status = async || {
        let read = app.request_as(token, "GET", "/persons").send().await.expect("a response");
        read.status().as_u16()
    };
    let cached = Instant::now();
    assert_eq!(status().await, 200);
    let left = "SELECT FROM tokens WHERE name = 'ci'";
    while !client.query(left, &[]).await.expect("a table").is_empty() {
        assert!(cached.elapsed() < Duration::from_secs(10), "the database has not committed");
        sleep(Duration::from_millis(5)).await;
    }
    // The server learns about the commit at about the same time as this test, so the test polls.
    while status().await != 401 {
        assert!(cached.elapsed() < Duration::from_secs(4), "the token is still cached");
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn two_admins_who_demote_each_other_leave_one_admin() {
    let app = TestApp::spawn().await;
    let client = app.database.connect().await;
    let promote = "UPDATE accounts SET role = 'admin'";
    client.execute(promote, &[]).await.expect("a table");
    client.batch_execute("BEGIN; SELECT FROM accounts FOR UPDATE").await.expect("the lock");
    let [member, administrator] = [&app.member, &app.administrator];
    let demote = |by: &str, account: uuid::Uuid| {
        let request = app.request_as(by, "PATCH", &format!("/accounts/{account}"));
        request.json(&json!({ "role": "member" })).send()
    };
    let requests = join(
        demote(&member.token, administrator.account),
        demote(&administrator.token, member.account),
    );
    let unlock = async {
        waiting_are(&app, 2).await;
        client.batch_execute("COMMIT").await.expect("a commit");
    };
    let ((first, second), ()) = join(requests, unlock).await;
    let mut statuses = [first, second].map(|it| it.expect("a response").status().as_u16());
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 403]);
    let admins = client.query("SELECT FROM accounts WHERE role = 'admin'", &[]).await;
    assert_eq!(admins.expect("a table").len(), 1);
}
