//! The server and its database: cancelled and conflicting queries, time limits, several hosts.

mod collisions;
mod encryption;
mod plans;
mod transactions;

use std::{fs, time::Duration};

use db::Client;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::harness::{TestApp, problem};

/// Creates a person and locks its row for as long as the returned connection is open.
async fn locked_person(app: &TestApp) -> (String, Client) {
    let path = create(app, "Ada Lovelace").await;
    let client = app.database.connect().await;
    client.batch_execute("BEGIN; SELECT FROM persons FOR UPDATE").await.expect("the lock");
    (path, client)
}

async fn create(app: &TestApp, name: &str) -> String {
    let body = json!({ "name": name, "emails": ["ada@example.com"] });
    let response = app.post("/persons", &body).send().await.expect("a response");
    assert_eq!(response.status(), 201);
    response.headers()["location"].to_str().expect("ASCII").to_owned()
}

/// Waits until `expected` queries wait for a lock in this database.
async fn waiting_are(app: &TestApp, expected: usize) {
    // Opens a new connection, because pg_stat_activity does not change within a transaction.
    let client = app.database.connect().await;
    let waiting = "SELECT FROM pg_stat_activity \
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let came = async {
        while client.query(waiting, &[]).await.expect("a response").len() != expected {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(20), came).await.expect("waiting queries");
}

#[tokio::test]
async fn a_request_timeout_cancels_its_query() {
    let limits = [("API_REQUEST_TIMEOUT_SECONDS", "1"), ("DATABASE_LOCK_TIMEOUT_SECONDS", "3600")];
    let app = TestApp::spawn_with(&limits).await;
    let (path, _lock) = locked_person(&app).await;
    let change = tokio::spawn(app.request("PATCH", &path).json(&json!({ "name": "A" })).send());
    waiting_are(&app, 1).await;
    problem(change.await.expect("no panic").expect("a response"), 504).await;
    // The row is still locked, so the query can stop waiting only because it was cancelled.
    waiting_are(&app, 0).await;
}

#[tokio::test]
async fn different_pages_are_read_concurrently() {
    let app = TestApp::spawn_with(&[("DATABASE_LOCK_TIMEOUT_SECONDS", "3600")]).await;
    let client = app.database.connect().await;
    client.batch_execute("BEGIN; LOCK TABLE persons").await.expect("the lock");
    let pages = ["/persons?limit=1", "/persons?limit=2", "/persons?limit=3"]
        .map(|path| tokio::spawn(app.request("GET", path).send()));
    // Waits until all queries have reached the database.
    waiting_are(&app, pages.len()).await;
    client.batch_execute("ROLLBACK").await.expect("a released lock");
    for page in join_all(pages).await {
        assert_eq!(page.expect("no panic").expect("a response").status(), 200);
    }
}

#[tokio::test]
async fn a_batch_is_cancelled_when_all_its_callers_are_gone() {
    let limits = [("API_REQUEST_TIMEOUT_SECONDS", "1"), ("DATABASE_LOCK_TIMEOUT_SECONDS", "3600")];
    let app = TestApp::spawn_with(&limits).await;
    let path = create(&app, "Ada").await;
    let lock = app.database.connect().await;
    lock.batch_execute("BEGIN; LOCK TABLE persons").await.expect("the lock");
    let reads = join_all((0..5).map(|_| app.get(&path).send()));
    // The first request forms a batch. All requests that arrive during this batch form the second batch.
    let (responses, ()) = futures_util::future::join(reads, waiting_are(&app, 2)).await;
    for response in responses {
        problem(response.expect("a response"), 504).await;
    }
    waiting_are(&app, 0).await;
}

#[tokio::test]
async fn a_lock_timeout_returns_503() {
    let app = TestApp::spawn_with(&[("DATABASE_LOCK_TIMEOUT_SECONDS", "1")]).await;
    let (path, lock) = locked_person(&app).await;
    let change = app.request("PATCH", &path).json(&json!({ "name": "A" }));
    problem(change.try_clone().expect("a body").send().await.expect("a response"), 503).await;
    drop(lock);
    assert_eq!(change.send().await.expect("a response").status(), 200);
}

#[tokio::test]
async fn an_invalid_person_does_not_fail_the_rest_of_its_batch() {
    let app = TestApp::spawn().await;
    let refuse = "ALTER TABLE persons ADD CONSTRAINT persons_fair CHECK (name <> 'Number 7')";
    app.database.connect().await.batch_execute(refuse).await.expect("a constraint");
    let responses = (0..40).map(|number| {
        let body = json!({ "name": format!("Number {number}"), "emails": ["a@example.com"] });
        app.post("/persons", &body).send()
    });
    for (number, response) in join_all(responses).await.into_iter().enumerate() {
        let expected = if number == 7 { 422 } else { 201 };
        assert_eq!(response.expect("a response").status(), expected, "{number}");
    }
}

#[tokio::test]
async fn concurrent_reads_return_the_requested_person() {
    let app = TestApp::spawn().await;
    let mut paths = Vec::new();
    for number in 0..10 {
        paths.push(create(&app, &format!("Number {number}")).await);
    }
    let absent = "/persons/01900000-0000-7000-8000-000000000000".to_owned();
    let asked = (0..100).map(|number| paths.get(number % 11).unwrap_or(&absent));
    let responses = join_all(asked.map(|path| app.get(path).send())).await;
    for (number, response) in responses.into_iter().enumerate() {
        let response = response.expect("a response");
        if number % 11 == 10 {
            problem(response, 404).await;
        } else {
            let person: Value = response.json().await.expect("JSON");
            assert_eq!(person["name"], format!("Number {}", number % 11));
            assert_eq!(person["emails"][0], "ada@example.com");
        }
    }
}

#[tokio::test]
async fn an_unreachable_host_is_skipped() {
    let app = TestApp::spawn().await;
    let url = app.database.url();
    // The first host is unreachable, because nothing listens on port 1.
    let (user, rest) = url.split_once('@').expect("a user");
    let url = format!("{user}@127.0.0.1:1,{rest}&target_session_attrs=read-write");
    let second = TestApp::spawn_sharing_database(&app, &[("DATABASE_URL", &url)]);
    assert_eq!(second.get("/health/ready").send().await.expect("a response").status(), 200);

    let server = app.database.server().await;
    let read_only =
        format!("ALTER DATABASE \"{}\" SET default_transaction_read_only = on", app.database.name);
    server.batch_execute(&read_only).await.expect("a setting");
    app.database.end_connections().await;
    // `target_session_attrs=read-write` must reject a standby, because it cannot write.
    problem(second.get("/health/ready").send().await.expect("a response"), 503).await;
}

#[tokio::test]
async fn a_rotated_password_is_read_from_the_file() {
    let app = TestApp::spawn().await;
    let (role, server) = (format!("{}_role", app.database.name), app.database.server().await);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("database_url");
    let set_password = async |verb: &str, password: &str| {
        let url = app.database.url();
        let (_, rest) = url.split_once('@').expect("a user");
        fs::write(&file, format!("postgresql://{role}:{password}@{rest}")).expect("a file");
        let query = format!("{verb} ROLE \"{role}\" SUPERUSER LOGIN PASSWORD '{password}'");
        server.batch_execute(&query).await.expect("a role");
    };
    set_password("CREATE", "first").await;
    let path = file.to_str().expect("UTF-8");
    let variables = [("DATABASE_URL", ""), ("DATABASE_URL_FILE", path)];
    let rotated = TestApp::spawn_sharing_database(&app, &variables);
    // The pool may still return a connection that is about to end.
    let is_ready = async || {
        while rotated.get("/health/ready").send().await.expect("a response").status() != 200 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    for password in ["second", "third"] {
        timeout(Duration::from_secs(20), is_ready()).await.expect("ready");
        set_password("ALTER", password).await;
        app.database.end_connections().await;
    }
    timeout(Duration::from_secs(20), is_ready()).await.expect("ready");
    server.batch_execute(&format!("DROP ROLE \"{role}\"")).await.expect("no dependent objects");
}

#[tokio::test]
async fn connections_through_pgbouncer_send_no_startup_options() {
    // With DATABASE_PGBOUNCER=true, the API must not send startup options, because PgBouncer rejects them.
    for (pgbouncer, expected) in [("true", "0"), ("false", "10s")] {
        let app = TestApp::spawn_with(&[("DATABASE_PGBOUNCER", pgbouncer)]).await;
        let recorded = "CREATE TABLE seen (setting text);
            CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                INSERT INTO seen VALUES (current_setting('statement_timeout')); RETURN NULL;
            END $$;
            CREATE TRIGGER see AFTER INSERT ON persons FOR EACH STATEMENT EXECUTE FUNCTION see()";
        let client = app.database.connect().await;
        client.batch_execute(recorded).await.expect("a trigger");
        create(&app, "Ada Lovelace").await;
        let seen = client.query_one("SELECT setting FROM seen", &[]).await.expect("a row");
        assert_eq!(seen.get::<_, &str>(0), expected);
    }
}
