//! The migration tool, next to a running server.

mod runners;
mod schema;
mod undo;

use std::{collections::BTreeMap, time::Duration};

use config::Config;
use db::{admin, migrations};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::harness::{Database, TestApp, config};

async fn names(app: &TestApp) -> Vec<String> {
    let response = app.get("/persons?limit=100").send().await.expect("a response");
    assert_eq!(response.status(), 200);
    let page: Value = response.json().await.expect("JSON");
    let items = page["items"].as_array().expect("a list").iter();
    items.map(|person| person["name"].as_str().expect("a string").to_owned()).collect()
}

/// Starts the API on an existing database.
async fn spawn_on(database: Database) -> TestApp {
    let app = TestApp::spawn_on(database, &[]);
    app.store_identities().await;
    app
}

async fn create_person(app: &TestApp) {
    let body = json!({ "name": "Before", "emails": ["before@example.com"] });
    let response = app.post("/persons", &body).send().await.expect("a response");
    assert_eq!(response.status(), 201);
}

fn production(database: &Database) -> Config {
    config(database, &[("APP_ENV", "production")])
}

#[tokio::test]
async fn recreate_next_to_a_running_api_causes_only_short_503s() {
    let app = TestApp::spawn().await;
    create_person(&app).await;
    let (server, config) = (app.database.server().await, config(&app.database, &[]));
    let mut statuses = BTreeMap::<u16, usize>::new();
    let mut recreate = std::pin::pin!(migrate::recreate(&config, false, true));
    let mut recreated = None;
    let mut after = 0;
    while after < 50 {
        let asked = app.get("/persons").send();
        let response = tokio::select! {
            output = &mut recreate, if recreated.is_none() => {
                recreated = Some(output);
                continue;
            }
            response = asked => response.expect("a response"),
        };
        let status = response.status().as_u16();
        assert_eq!(response.headers().contains_key("retry-after"), status == 503);
        *statuses.entry(status).or_default() += 1;
        after += usize::from(recreated.is_some());
        assert!(admin::exists(&server, &app.database.name).await.expect("a response"));
    }
    let output = recreated.expect("the command has ended").expect("recreated");
    assert!(output.contains("with 12 sample persons\n"), "{output}");
    // 401 is possible, because recreating the database drops the accounts of the tests.
    assert!(statuses.keys().all(|status| [200, 401, 503].contains(status)), "{statuses:?}");
    assert!(statuses[&200] > 10, "{statuses:?}");

    app.store_identities().await;
    let names = names(&app).await;
    assert_eq!(names.len(), 12);
    assert!(!names.contains(&"Before".to_owned()), "{names:?}");
}

#[tokio::test]
async fn recreate_empty_leaves_no_rows() {
    let app = TestApp::spawn().await;
    create_person(&app).await;
    migrate::recreate(&config(&app.database, &[]), true, true).await.expect("recreated");
    app.store_identities().await;
    assert!(names(&app).await.is_empty());
}

#[tokio::test]
async fn recreate_creates_a_missing_database() {
    let database = Database::absent();
    migrate::recreate(&config(&database, &[]), false, true).await.expect("recreated");
    assert_eq!(names(&spawn_on(database).await).await.len(), 12);
}

#[tokio::test]
async fn production_rejects_recreate_and_seed() {
    let app = TestApp::spawn().await;
    create_person(&app).await;
    let config = production(&app.database);
    for rejected in [migrate::recreate(&config, false, true).await, migrate::seed(&config).await] {
        let error = rejected.expect_err("production").to_string();
        assert!(error.contains("production") && error.contains("refused"), "{error}");
    }
    migrate::up(&config, true, None).await.expect("the schema is current");
    assert_eq!(names(&app).await, ["Before"]);
}

#[tokio::test]
async fn recreate_works_after_a_killed_recreate() {
    let app = TestApp::spawn().await;
    let (server, name) = (app.database.server().await, &app.database.name);
    for left in [format!("{name}__fresh"), format!("{name}__replaced")] {
        admin::create(&server, &left).await.expect("a database");
    }
    migrate::recreate(&config(&app.database, &[]), false, true).await.expect("recreated");
    app.store_identities().await;
    assert_eq!(names(&app).await.len(), 12);
    for left in [format!("{name}__fresh"), format!("{name}__replaced")] {
        assert!(!admin::exists(&server, &left).await.expect("a response"), "{left} still exists");
    }
}

#[tokio::test]
#[ignore = "takes long"]
async fn an_interrupted_recreate_leaves_a_complete_database() {
    let app = TestApp::spawn().await;
    create_person(&app).await;
    let config = config(&app.database, &[]);
    let mut ended = false;
    for step in 1.. {
        let limit = Duration::from_millis(step * 20);
        ended = timeout(limit, migrate::recreate(&config, false, true)).await.is_ok();
        let names = names_when_back(&app).await;
        assert!(names == ["Before"] || names.len() == 12, "{names:?} after {limit:?}");
        if ended {
            break;
        }
    }
    assert!(ended);
}

/// Returns the names as soon as the database is available again.
async fn names_when_back(app: &TestApp) -> Vec<String> {
    while app.get("/persons").send().await.expect("a response").status() == 503 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    app.store_identities().await;
    names(app).await
}

#[tokio::test]
#[ignore = "takes long"]
async fn eight_concurrent_runs_on_a_new_server_apply_each_migration_once() {
    let database = Database::absent();
    let config = config(&database, &[]);
    let up = |_| {
        let config = config.clone();
        tokio::spawn(async move { migrate::up(&config, true, None).await })
    };
    let mut output = String::new();
    for up in (0..8).map(up).collect::<Vec<_>>() {
        output += &up.await.expect("no panic").expect("a concurrent run");
    }
    assert_eq!(output.matches("created the database").count(), 1, "{output}");
    for migration in migrations::known() {
        let line = format!("applied {} {}\n", migration.version, migration.name);
        assert_eq!(output.matches(&line).count(), 1, "{output}");
    }
    let applied = migrations::applied(&database.connect().await).await.expect("a response");
    assert_eq!(applied.len(), migrations::known().len());
}

#[tokio::test]
async fn up_loads_sample_rows_only_into_a_new_schema() {
    let database = Database::empty().await;
    let config = config(&database, &[]);
    let output = migrate::up(&config, true, None).await.expect("migrated");
    assert!(output.ends_with("loaded 12 sample persons\n"), "{output}");
    let client = database.connect().await;
    client.batch_execute("TRUNCATE persons CASCADE").await.expect("empty");
    let output = migrate::up(&config, true, None).await.expect("migrated");
    assert_eq!(
        output,
        format!("nothing to apply: the schema is at version {}\n", migrations::latest())
    );
    assert!(names(&spawn_on(database).await).await.is_empty());
}

#[tokio::test]
async fn sample_rows_are_loaded_once() {
    let database = Database::migrated().await;
    let config = config(&database, &[]);
    assert_eq!(migrate::seed(&config).await.expect("loaded"), "loaded 12 sample persons\n");
    assert_eq!(migrate::seed(&config).await.expect("loaded"), "loaded 0 sample persons\n");
}

#[tokio::test]
async fn status_lists_applied_and_pending_migrations() {
    let database = Database::empty().await;
    let config = config(&database, &[]);
    let count = |text: &str, word: &str| text.matches(word).count();
    let before = migrate::status(&config, false).await.expect("a status");
    assert_eq!(count(&before, "pending"), migrations::known().len());

    migrate::up(&config, false, None).await.expect("migrated");
    let after = migrate::status(&config, false).await.expect("a status");
    assert_eq!(
        (count(&after, "pending"), count(&after, "applied")),
        (0, migrations::known().len())
    );
    let json = migrate::status(&config, true).await.expect("a status");
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((&json["version"], &json["pending"]), (&json!(migrations::latest()), &json!([])));
}

#[tokio::test]
async fn a_wrong_password_is_reported() {
    let database = Database::migrated().await;
    let right = database.url();
    let (before, after) = right.split_once('@').expect("a user and a password");
    let wrong = format!("{before}x@{after}");
    let config = config(&database, &[("DATABASE_URL", &wrong)]);
    let error = migrate::up(&config, false, None).await.expect_err("a wrong password");
    let said = format!("{error:#}");
    assert!(said.contains("keeps the password that it was created with"), "{said}");
    assert!(said.contains("password authentication failed"), "{said}");
}
