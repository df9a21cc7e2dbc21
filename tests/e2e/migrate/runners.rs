//! Migration runs that are concurrent, killed or blocked.

use std::{
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use db::{
    Client,
    migrations::{self, Migrations},
};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use crate::harness::Database;

const INDEX: &str = "-- migrate: no transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS things_name_idx ON things (name);\n";

/// Returns ten migrations. One of them cannot run inside a transaction.
fn ten() -> Vec<(String, String)> {
    let fill = "CREATE TABLE things (id int, name text);
        INSERT INTO things SELECT n, 'thing ' || n FROM generate_series(1, 20000) AS n;";
    let mut texts = vec![fill.to_owned(), INDEX.to_owned()];
    texts.extend((3..=10).map(|number| {
        format!("ALTER TABLE things ADD COLUMN c{number} int; UPDATE things SET c{number} = id;")
    }));
    of_texts(texts)
}

fn of_texts(texts: impl IntoIterator<Item = String>) -> Vec<(String, String)> {
    let file = |(number, text)| (format!("V{number}__do_it.sql"), text);
    (1..).zip(texts).map(file).collect()
}

fn folder(files: &[(String, String)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).expect("a file");
    }
    folder
}

fn start(folder: &TempDir, database: &Database) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_test-migrate"));
    command.arg(folder.path()).env("DATABASE_URL", database.url()).stderr(Stdio::inherit());
    command.spawn().expect("a process")
}

async fn versions(client: &Client) -> Vec<i32> {
    let applied = migrations::applied(client).await.expect("a response");
    applied.iter().map(|applied| applied.migration.version).collect()
}

#[tokio::test]
#[ignore = "takes long"]
async fn one_of_twenty_concurrent_runs_applies_the_migrations() {
    let (database, folder) = (Database::empty().await, folder(&ten()));
    let runners: Vec<_> = (0..20).map(|_| start(&folder, &database)).collect();
    for mut runner in runners {
        assert!(runner.wait().expect("a status").success());
    }
    assert_eq!(versions(&database.connect().await).await, (1..=10).collect::<Vec<_>>());
}

#[tokio::test]
#[ignore = "takes long"]
async fn a_run_completes_the_work_of_a_killed_run() {
    let files = ten();
    let folder = folder(&files);
    let whole = Database::empty().await;
    assert!(start(&folder, &whole).wait().expect("a status").success());
    let expected = migrations::describe(&whole.connect().await).await.expect("a text");
    for milliseconds in [15, 40, 90, 160, 250] {
        let database = Database::empty().await;
        let mut killed = start(&folder, &database);
        thread::sleep(Duration::from_millis(milliseconds));
        killed.kill().expect("a child process");
        killed.wait().expect("a status");
        assert!(start(&folder, &database).wait().expect("a status").success());
        let client = database.connect().await;
        assert_eq!(migrations::describe(&client).await.expect("a text"), expected);
        assert_eq!(versions(&client).await.len(), 10);
    }
}

#[tokio::test]
async fn an_invalid_index_is_rebuilt() {
    let mut files = of_texts(["CREATE TABLE things (name text);".to_owned(), INDEX.to_owned()]);
    files[1].1 = INDEX.replace("CREATE INDEX", "CREATE UNIQUE INDEX");
    let (migrations, database) =
        (Migrations::of_files(&files).expect("two"), Database::empty().await);
    let mut client = database.connect().await;
    migrations::apply(&migrations, &mut client, Some(1)).await.expect("applied");
    client.batch_execute("INSERT INTO things VALUES ('a'), ('a')").await.expect("rows");
    let failed =
        migrations::apply(&migrations, &mut client, None).await.expect_err("a duplicate name");
    let cause = std::error::Error::source(&failed).expect("a cause").to_string();
    assert_eq!(cause, "cannot apply V2__do_it");
    let described = migrations::describe(&client).await.expect("a text");
    assert!(described.contains("-- invalid"), "{described}");

    client.batch_execute("DELETE FROM things").await.expect("no rows");
    migrations::apply(&migrations, &mut client, None).await.expect("applied");
    let described = migrations::describe(&client).await.expect("a text");
    assert!(!described.contains("-- invalid"), "{described}");
    assert!(described.contains("CREATE UNIQUE INDEX things_name_idx"), "{described}");
}

#[tokio::test]
async fn a_waiting_migration_does_not_block_other_queries() {
    let database = Database::empty().await;
    let files =
        of_texts(["CREATE TABLE things ()", "ALTER TABLE things ADD a int"].map(str::to_owned));
    let migrations = Migrations::of_files(&files).expect("two");
    let mut client = database.connect().await;
    migrations::apply(&migrations, &mut client, Some(1)).await.expect("applied");
    let slow = database.connect().await;
    slow.batch_execute("BEGIN; SELECT FROM things").await.expect("a lock");
    let waiting =
        tokio::spawn(async move { migrations::apply(&migrations, &mut client, None).await });

    let others = database.connect().await;
    let waits =
        "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'things'::regclass)";
    let one_after_the_other = async {
        while !others.query_one(waits, &[]).await.expect("a response").get::<_, bool>(0) {
            sleep(Duration::from_millis(5)).await;
        }
        // This query waits for the migration, and the migration waits for the slow transaction.
        others.query("SELECT FROM things", &[]).await.expect("a response");
    };
    timeout(Duration::from_secs(30), one_after_the_other).await.expect("in time");
    assert!(!waiting.is_finished());
    slow.batch_execute("COMMIT").await.expect("no lock");
    let applied = waiting.await.expect("no panic").expect("applied");
    assert_eq!(applied.len(), 1);
}

#[tokio::test]
async fn a_mismatched_file_is_reported_and_nothing_is_applied() {
    let database = Database::empty().await;
    let files = of_texts(["CREATE TABLE a ()", "CREATE TABLE b ()"].map(str::to_owned));
    let mut client = database.connect().await;
    let migrations = Migrations::of_files(&files).expect("two");
    migrations::apply(&migrations, &mut client, None).await.expect("applied");

    let edited = of_texts(["CREATE TABLE a ()", "CREATE TABLE c ()"].map(str::to_owned));
    let gap = [files.clone(), vec![("V4__do_it.sql".to_owned(), "SELECT 1".to_owned())]].concat();
    let twin =
        [files.clone(), vec![("V2__do_more.sql".to_owned(), "SELECT 1".to_owned())]].concat();
    let cases = [
        (
            edited,
            "crates/db/migrations/V2__do_it.sql was edited after it was applied: run git checkout",
        ),
        (
            files[..1].to_vec(),
            "the database has V2__do_it, but crates/db/migrations/V2__do_it.sql does not exist",
        ),
        (gap, "the migration before V4__do_it.sql is missing: give"),
        (twin, "two migrations have the number 2: V2__do_it.sql and V2__do_more.sql: give"),
    ];
    for (files, expected) in cases {
        let migrations = Migrations::of_files(&files).expect("names");
        let failed = migrations::apply(&migrations, &mut client, None).await.expect_err(expected);
        let cause = std::error::Error::source(&failed).expect("a cause").to_string();
        assert!(cause.contains(expected), "{cause}");
    }
    assert_eq!(versions(&client).await, [1, 2]);
}

#[tokio::test]
async fn a_file_with_only_comments_is_ignored() {
    let files = of_texts(["CREATE TABLE a ()", "-- A comment\n"].map(str::to_owned));
    let migrations = Migrations::of_files(&files).expect("two");
    let database = Database::empty().await;
    let mut client = database.connect().await;
    let applied = migrations::apply(&migrations, &mut client, None).await.expect("applied");
    assert_eq!(applied.len(), 1);
}
