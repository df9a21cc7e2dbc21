//! Copies of the database, next to a running server.

use std::{collections::BTreeMap, time::Duration};

use config::Config;
use db::copies;
use migrate::{branches, snapshots};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::harness::{Database, TestApp, config};

async fn create(app: &TestApp, name: &str) {
    let body = json!({ "name": name, "emails": [format!("{}@example.com", name.to_lowercase())] });
    let response = app.post("/persons", &body).send().await.expect("a response");
    assert_eq!(response.status(), 201);
}

/// Returns the names of all persons, as soon as the server has reconnected.
async fn names(app: &TestApp) -> Vec<String> {
    loop {
        let response = app.get("/persons?limit=100").send().await.expect("a response");
        if response.status() == 200 {
            let page: Value = response.json().await.expect("JSON");
            let items = page["items"].as_array().expect("a list").iter();
            let mut names: Vec<_> =
                items.map(|person| person["name"].as_str().expect("a name").to_owned()).collect();
            names.sort_unstable();
            return names;
        }
        assert_eq!(response.status(), 503);
        assert!(response.headers().contains_key("retry-after"));
    }
}

fn settings(app: &TestApp) -> Config {
    config(&app.database, &[])
}

async fn listed(config: &Config) -> Vec<Value> {
    let list = snapshots::list(config, true).await.expect("a list");
    serde_json::from_str(&list).expect("JSON")
}

async fn listed_names(config: &Config) -> Vec<String> {
    let listed = listed(config).await;
    listed.iter().map(|entry| entry["name"].as_str().expect("a name").to_owned()).collect()
}

/// Returns the suffixes of the copies of the test's database.
async fn copy_suffixes(database: &Database) -> Vec<String> {
    let all = copies::list(&database.server().await, &database.name).await.expect("a list");
    all.iter().map(|copy| copy.database[database.name.len()..].to_owned()).collect()
}

/// Runs `work` and returns its result, with the statuses of requests during and after the work.
async fn statuses_during<T>(
    app: &TestApp,
    work: impl Future<Output = T>,
) -> (T, BTreeMap<u16, usize>) {
    let mut statuses = BTreeMap::<u16, usize>::new();
    let (mut work, mut done, mut after) = (std::pin::pin!(work), None, 0);
    while after < 50 {
        let response = tokio::select! {
            it = &mut work, if done.is_none() => {
                done = Some(it);
                continue;
            }
            response = app.get("/persons").send() => response.expect("a response"),
        };
        let status = response.status().as_u16();
        assert_eq!(response.headers().contains_key("retry-after"), status == 503);
        *statuses.entry(status).or_default() += 1;
        after += usize::from(done.is_some());
    }
    (done.expect("the work has ended"), statuses)
}

#[tokio::test]
async fn restore_next_to_a_running_api_can_be_undone() {
    let app = TestApp::spawn().await;
    let config = settings(&app);
    create(&app, "Before").await;
    let (saved, statuses) = statuses_during(&app, snapshots::save(&config, Some("calm"))).await;
    assert!(saved.expect("saved").contains("`cargo xtask db snapshot restore calm`"));
    assert!(statuses.keys().all(|status| [200, 503].contains(status)), "{statuses:?}");

    create(&app, "After").await;
    let (said, statuses) =
        statuses_during(&app, snapshots::restore(&config, None, true, false)).await;
    let said = said.expect("restored");
    assert!(said.contains("`cargo xtask db snapshot restore auto-1`"), "{said}");
    assert!(statuses.keys().all(|status| [200, 503].contains(status)), "{statuses:?}");
    assert_eq!(names(&app).await, ["Before"]);

    snapshots::restore(&config, Some("auto-1"), true, false).await.expect("restored");
    assert_eq!(names(&app).await, ["After", "Before"]);
    assert_eq!(listed_names(&config).await, ["calm", "auto-1", "auto-2"]);
}

#[tokio::test]
async fn recreate_keeps_five_automatic_snapshots() {
    let app = TestApp::spawn().await;
    let config = settings(&app);
    create(&app, "Before").await;
    let said = migrate::recreate(&config, true, true).await.expect("recreated");
    assert!(said.contains("`cargo xtask db snapshot restore auto-1`"), "{said}");
    for _ in 0..4 {
        migrate::recreate(&config, true, true).await.expect("recreated");
    }
    snapshots::restore(&config, Some("auto-1"), true, false).await.expect("restored");
    assert_eq!(names(&app).await, ["Before"]);
    assert_eq!(listed_names(&config).await, ["auto-2", "auto-3", "auto-4", "auto-5", "auto-6"]);
    assert_eq!(listed(&config).await[4]["before"], "restore");
}

#[tokio::test]
async fn an_automatic_snapshot_reports_how_to_restore_it() {
    let app = TestApp::spawn().await;
    let config = settings(&app);
    create(&app, "Before").await;
    let said = snapshots::automatic(&config, "load").await.expect("a snapshot");
    assert_eq!(
        said,
        "kept the old database as a snapshot. To restore it, run `cargo xtask db snapshot restore auto-1`.\n"
    );
    let entry = &listed(&config).await[0];
    assert_eq!(
        (&entry["before"], &entry["schema"]),
        (&json!("load"), &json!(db::migrations::latest()))
    );
    assert!(entry["bytes"].as_i64() > Some(1_000_000) && entry["age_seconds"].as_i64() < Some(60));
    assert_eq!(names(&app).await, ["Before"]);
}

#[tokio::test]
async fn without_automatic_snapshots_no_copies_are_left() {
    let app = TestApp::spawn().await;
    let config = settings(&app);
    snapshots::save(&config, Some("one")).await.expect("saved");
    migrate::recreate(&config, false, false).await.expect("recreated");
    snapshots::restore(&config, None, false, false).await.expect("restored");
    assert_eq!(listed_names(&config).await, ["one"]);
    snapshots::delete(&config, &["one".to_owned()]).await.expect("deleted");
    assert!(copy_suffixes(&app.database).await.is_empty());
    assert!(names(&app).await.is_empty());
}

#[tokio::test]
async fn invalid_names_and_missing_snapshots_are_reported() {
    let database = Database::migrated().await;
    let config = config(&database, &[]);
    for name in ["", "a b", "-a", "auto-1", "ä", &"a".repeat(41)] {
        assert!(snapshots::save(&config, Some(name)).await.is_err(), "{name:?} was accepted");
    }
    let long = "a".repeat(40);
    for name in ["a", &long, "A.b_c-1"] {
        snapshots::save(&config, Some(name)).await.expect("saved");
    }
    snapshots::save(&config, None).await.expect("saved");
    assert_eq!(listed_names(&config).await.len(), 4);

    let again = snapshots::save(&config, Some("a")).await.expect_err("a duplicate name");
    assert!(again.to_string().contains("snapshot delete a"), "{again}");
    let none =
        snapshots::restore(&config, Some("b"), true, false).await.expect_err("a missing snapshot");
    assert!(none.to_string().contains("snapshot b does not exist"), "{none}");
    let both = ["a".to_owned(), "b".to_owned()];
    snapshots::delete(&config, &both).await.expect_err("a missing snapshot");
    assert_eq!(listed_names(&config).await.len(), 4);
}

#[tokio::test]
async fn restore_migrates_a_snapshot_of_an_older_schema() {
    let database = Database::empty().await;
    let config = config(&database, &[]);
    snapshots::save(&config, Some("empty")).await.expect("saved");
    migrate::up(&config, false, None).await.expect("migrated");
    let said = snapshots::restore(&config, Some("empty"), true, false).await.expect("restored");
    assert!(said.contains("applied 1 create_persons"), "{said}");
    snapshots::restore(&config, Some("empty"), true, true).await.expect("restored");
    let applied = db::migrations::applied(&database.connect().await).await.expect("a response");
    assert!(applied.is_empty());
}

#[tokio::test]
#[ignore = "takes long"]
async fn interrupted_commands_lose_no_rows_and_the_next_command_recovers() {
    let app = TestApp::spawn().await;
    let config = settings(&app);
    create(&app, "Kept").await;
    snapshots::save(&config, Some("kept")).await.expect("saved");
    for step in 1.. {
        let limit = Duration::from_millis(step * 25);
        let saved = timeout(limit, snapshots::save(&config, None)).await.is_ok();
        assert_eq!(names(&app).await, ["Kept"], "save stopped after {limit:?}");
        let restored = timeout(limit, snapshots::restore(&config, Some("kept"), true, false));
        let restored = restored.await.is_ok();
        assert_eq!(names(&app).await, ["Kept"], "restore stopped after {limit:?}");
        let branch = if step % 2 == 0 { "main" } else { "other" };
        let switched = timeout(limit, branches::switch(&config, branch, None, &[])).await.is_ok();
        assert_eq!(names(&app).await, ["Kept"], "switch stopped after {limit:?}");
        if saved && restored && switched {
            break;
        }
    }
    snapshots::save(&config, None).await.expect("saved");
    assert!(!copy_suffixes(&app.database).await.iter().any(|name| name == "__fresh"));
    for name in listed_names(&config).await {
        snapshots::restore(&config, Some(&name), false, true).await.expect("restored");
        assert_eq!(names(&app).await, ["Kept"], "after a restore of {name}");
    }
}

#[tokio::test]
async fn concurrent_snapshots_wait_for_each_other() {
    let app = TestApp::spawn().await;
    let config = settings(&app);
    create(&app, "Kept").await;
    let save = |_| {
        let config = config.clone();
        tokio::spawn(async move { snapshots::automatic(&config, "load").await })
    };
    for saved in (0..6).map(save).collect::<Vec<_>>() {
        saved.await.expect("no panic").expect("a snapshot");
    }
    assert_eq!(listed_names(&config).await, ["auto-2", "auto-3", "auto-4", "auto-5", "auto-6"]);
    assert_eq!(names(&app).await, ["Kept"]);
}

#[tokio::test]
async fn a_branch_starts_with_a_copy_and_has_its_own_rows() {
    let app = TestApp::spawn().await;
    let config = settings(&app);
    create(&app, "Main").await;
    branches::switch(&config, "main", None, &[]).await.expect("the branch main");
    let said = branches::switch(&config, "feature/a", None, &["main".to_owned()]).await;
    assert_eq!(
        said.expect("switched"),
        "created a database for branch feature/a, a copy of the database of main\n"
    );
    create(&app, "Feature").await;
    let from_main = ["gone".to_owned(), "main".to_owned(), "feature/a".to_owned()];
    branches::switch(&config, "feature-a", None, &from_main).await.expect("switched");
    assert_eq!(names(&app).await, ["Main"]);
    create(&app, "Other").await;

    for (branch, rows) in [
        ("feature/a", ["Feature", "Main"].as_slice()),
        ("main", &["Main"]),
        ("feature-a", &["Main", "Other"]),
    ] {
        let (said, statuses) =
            statuses_during(&app, branches::switch(&config, branch, None, &[])).await;
        assert_eq!(
            said.expect("switched"),
            format!("switched to the database of branch {branch}\n")
        );
        assert!(statuses.keys().all(|status| [200, 503].contains(status)), "{statuses:?}");
        assert_eq!(names(&app).await, rows, "{branch}");
    }
    let list: Value =
        serde_json::from_str(&branches::list(&config, true).await.expect("a list")).expect("JSON");
    assert_eq!(list["current"], "feature-a");
    assert_eq!(list["copies"].as_array().map(Vec::len), Some(2));

    branches::delete(&config, &["main".to_owned()]).await.expect("deleted");
    branches::delete(&config, &["feature-a".to_owned()]).await.expect_err("a branch in use");
    assert_eq!(names(&app).await, ["Main", "Other"]);
}

#[tokio::test]
async fn replacing_the_rows_keeps_the_branch() {
    let app = TestApp::spawn().await;
    let config = settings(&app);
    create(&app, "Main").await;
    // The git hook passes the previous branch as `main`, so the current rows are stored for `main`.
    branches::switch(&config, "feature", Some("main"), &[]).await.expect("switched");
    migrate::recreate(&config, true, true).await.expect("recreated");
    branches::switch(&config, "main", None, &[]).await.expect("switched");
    assert_eq!(names(&app).await, ["Main"]);
    branches::switch(&config, "feature", None, &[]).await.expect("switched");
    snapshots::restore(&config, None, true, false).await.expect("restored");
    assert_eq!(names(&app).await, ["Main"]);
    let said = branches::switch(&config, "feature", None, &[]).await.expect("a response");
    assert_eq!(said, "using the database of branch feature\n");
}
