//! Undoing migrations, and running an older release.

use db::{
    admin,
    migrations::{self, Migrations, Undo},
};

use super::{create_person, names, production};
use crate::harness::{Database, TestApp, config};

#[tokio::test]
async fn every_migration_can_be_applied_undone_and_applied_again() {
    let database = Database::empty().await;
    let mut client = database.connect().await;
    let ours = migrations::embedded();
    let mut before = migrations::describe(&client).await.expect("a text");
    for version in 1..=migrations::latest() {
        migrations::apply(ours, &mut client, Some(version)).await.expect("applied");
        let after = migrations::describe(&client).await.expect("a text");
        assert_ne!(after, before, "{version} changes nothing");
        let plan = Undo::plan(ours, &client, None).await.expect("a down file");
        migrations::undo(&mut client, &plan).await.expect("undone");
        assert_eq!(migrations::describe(&client).await.expect("a text"), before, "{version}");
        migrations::apply(ours, &mut client, Some(version)).await.expect("applied");
        assert_eq!(migrations::describe(&client).await.expect("a text"), after, "{version}");
        before = after;
    }
    let plan = Undo::plan(ours, &client, Some(0)).await.expect("down files");
    migrations::undo(&mut client, &plan).await.expect("undone");
    assert_eq!(migrations::describe(&client).await.expect("a text"), "\n");
}

#[tokio::test]
async fn down_next_to_a_running_api_keeps_the_rows_in_a_snapshot() {
    let app = TestApp::spawn().await;
    create_person(&app).await;
    let config = config(&app.database, &[]);
    let said = migrate::down(&config, Some(0), true).await.expect("undone");
    assert_eq!(said.matches("undid ").count(), migrations::known().len(), "{said}");
    let client = app.database.connect().await;
    assert!(migrations::applied(&client).await.expect("a response").is_empty());
    migrate::up(&config, false, None).await.expect("applied");
    app.store_identities().await;
    assert!(names(&app).await.is_empty());
    assert!(said.contains("cargo xtask db snapshot restore"), "{said}");
    migrate::snapshots::restore(&config, None, false, false).await.expect("restored");
    assert_eq!(names(&app).await.len(), 1);
}

#[tokio::test]
async fn undo_without_a_down_file_names_the_missing_file() {
    let files = [("V1__create_things.sql".to_owned(), "CREATE TABLE things ()".to_owned())];
    let migrations = Migrations::of_files(&files).expect("one");
    let database = Database::empty().await;
    let mut client = database.connect().await;
    migrations::apply(&migrations, &mut client, None).await.expect("applied");
    let failed = Undo::plan(&migrations, &client, None).await.expect_err("no down file");
    let cause = std::error::Error::source(&failed).expect("a cause").to_string();
    assert!(cause.contains("crates/db/migrations/V1__create_things.down.sql"), "{cause}");
}

#[tokio::test]
async fn a_failed_undo_changes_nothing() {
    let files = [
        ("V1__create_things.sql", "CREATE TABLE things ()"),
        ("V1__create_things.down.sql", "DROP TABLE nothing"),
        ("V2__create_more.sql", "CREATE TABLE more ()"),
        ("V2__create_more.down.sql", "DROP TABLE more"),
    ];
    let files = files.map(|(file, text)| (file.to_owned(), text.to_owned()));
    let migrations = Migrations::of_files(&files).expect("two");
    let database = Database::empty().await;
    let mut client = database.connect().await;
    migrations::apply(&migrations, &mut client, None).await.expect("applied");
    let before = migrations::describe(&client).await.expect("a text");
    let plan = Undo::plan(&migrations, &client, Some(0)).await.expect("down files");
    migrations::undo(&mut client, &plan).await.expect_err("a missing table");
    assert_eq!(migrations::describe(&client).await.expect("a text"), before);
    assert_eq!(migrations::applied(&client).await.expect("a response").len(), 2);
}

#[tokio::test]
async fn only_production_accepts_a_newer_schema() {
    let database = Database::migrated().await;
    let newer = "INSERT INTO refinery_schema_history VALUES (999, 'add_much', '2026-01-01', '1')";
    database.connect().await.batch_execute(newer).await.expect("a row");
    let said = migrate::up(&production(&database), false, None).await.expect("nothing to do");
    assert!(
        said.contains("the schema is newer than this release: it has V999__add_much"),
        "{said}"
    );
    let failed = migrate::up(&config(&database, &[]), false, None).await.expect_err("a mismatch");
    let said = format!("{failed:#}");
    assert!(said.contains("crates/db/migrations/V999__add_much.sql does not exist"), "{said}");
}

#[tokio::test]
async fn dry_run_lists_blocked_queries_and_changes_nothing() {
    let database = Database::empty().await;
    let config = config(&database, &[]);
    migrate::up(&config, false, Some(2)).await.expect("applied");
    let said = migrate::dry_run(&config, Some(4)).await.expect("a text");
    let third = "-- crates/db/migrations/V3__add_person_details.sql\n";
    assert!(said.starts_with(third), "{said}");
    assert!(said.contains("-- blocks every write of emails\n"), "{said}");
    assert!(said.contains("-- blocks every write and read of persons\n"), "{said}");
    assert!(said.contains("idempotency_keys_created_at_idx"), "{said}");
    assert!(said.ends_with("-- blocks no queries\n\n"), "{said}");
    assert_eq!(migrations::version(&database.connect().await).await.expect("a response"), 2);
    let server = database.server().await;
    let scratch = format!("{}__dry_run", database.name);
    assert!(!admin::exists(&server, &scratch).await.expect("a response"));
}
