//! The migration tool, beside a server that answers all the while.

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
    let response = app.get("/persons?limit=100").send().await.expect("an answer");
    assert_eq!(response.status(), 200);
    let page: Value = response.json().await.expect("JSON");
    let items = page["items"].as_array().expect("a list").iter();
    items.map(|person| person["name"].as_str().expect("a string").to_owned()).collect()
}

/// The API on a database that somebody else has made.
async fn spawn_on(database: Database) -> TestApp {
    let app = TestApp::spawn_on(database, &[]);
    app.store_identities().await;
    app
}

async fn create_person(app: &TestApp) {
    let body = json!({ "name": "Before", "emails": ["before@example.com"] });
    let response = app.post("/persons", &body).send().await.expect("an answer");
    assert_eq!(response.status(), 201);
}

fn production(database: &Database) -> Config {
    config(database, &[("APP_ENV", "production")])
}

#[tokio::test]
async fn recreate_beside_a_serving_api_is_at_worst_a_moment_of_503() {
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
            said = &mut recreate, if recreated.is_none() => {
                recreated = Some(said);
                continue;
            }
            response = asked => response.expect("an answer"),
        };
        let status = response.status().as_u16();
        assert_eq!(response.headers().contains_key("retry-after"), status == 503);
        *statuses.entry(status).or_default() += 1;
        after += usize::from(recreated.is_some());
        assert!(admin::exists(&server, &app.database.name).await.expect("an answer"));
    }
    let said = recreated.expect("it ended").expect("recreated");
    assert!(said.contains("with 12 sample persons\n"), "{said}");
    // 401: the accounts of the tests are among what was dropped.
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
async fn recreate_makes_a_database_that_is_not_there() {
    let database = Database::absent();
    migrate::recreate(&config(&database, &[]), false, true).await.expect("recreated");
    assert_eq!(names(&spawn_on(database).await).await.len(), 12);
}

#[tokio::test]
async fn production_refuses_to_drop_rows_and_to_load_sample_rows() {
    let app = TestApp::spawn().await;
    create_person(&app).await;
    let config = production(&app.database);
    for refused in [migrate::recreate(&config, false, true).await, migrate::seed(&config).await] {
        let error = refused.expect_err("production").to_string();
        assert!(error.contains("production") && error.contains("refused"), "{error}");
    }
    migrate::up(&config, true, None).await.expect("nothing to do");
    assert_eq!(names(&app).await, ["Before"]);
}

#[tokio::test]
async fn recreate_works_after_one_that_was_killed() {
    let app = TestApp::spawn().await;
    let (server, name) = (app.database.server().await, &app.database.name);
    for left in [format!("{name}__fresh"), format!("{name}__replaced")] {
        admin::create(&server, &left).await.expect("a database");
    }
    migrate::recreate(&config(&app.database, &[]), false, true).await.expect("recreated");
    app.store_identities().await;
    assert_eq!(names(&app).await.len(), 12);
    for left in [format!("{name}__fresh"), format!("{name}__replaced")] {
        assert!(!admin::exists(&server, &left).await.expect("an answer"), "{left} is left");
    }
}

#[tokio::test]
#[ignore = "takes long"]
async fn recreate_that_stops_anywhere_leaves_a_whole_database() {
    let app = TestApp::spawn().await;
    create_person(&app).await;
    let config = config(&app.database, &[]);
    let mut ended = false;
    for step in 1.. {
        let patience = Duration::from_millis(step * 20);
        ended = timeout(patience, migrate::recreate(&config, false, true)).await.is_ok();
        let names = names_when_back(&app).await;
        assert!(names == ["Before"] || names.len() == 12, "{names:?} after {patience:?}");
        if ended {
            break;
        }
    }
    assert!(ended);
}

/// The server may be between two databases for a moment.
async fn names_when_back(app: &TestApp) -> Vec<String> {
    while app.get("/persons").send().await.expect("an answer").status() == 503 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    app.store_identities().await;
    names(app).await
}

#[tokio::test]
#[ignore = "takes long"]
async fn eight_at_once_on_a_new_server_apply_each_migration_once() {
    let database = Database::absent();
    let config = config(&database, &[]);
    let up = |_| {
        let config = config.clone();
        tokio::spawn(async move { migrate::up(&config, true, None).await })
    };
    let mut said = String::new();
    for up in (0..8).map(up).collect::<Vec<_>>() {
        said += &up.await.expect("no panic").expect("it waits its turn");
    }
    assert_eq!(said.matches("created the database").count(), 1, "{said}");
    for migration in migrations::known() {
        let line = format!("applied {} {}\n", migration.version, migration.name);
        assert_eq!(said.matches(&line).count(), 1, "{said}");
    }
    let applied = migrations::applied(&database.connect().await).await.expect("an answer");
    assert_eq!(applied.len(), migrations::known().len());
}

#[tokio::test]
async fn up_loads_sample_rows_into_a_new_schema_only() {
    let database = Database::empty().await;
    let config = config(&database, &[]);
    let said = migrate::up(&config, true, None).await.expect("migrated");
    assert!(said.ends_with("loaded 12 sample persons\n"), "{said}");
    let client = database.connect().await;
    client.batch_execute("TRUNCATE persons CASCADE").await.expect("empty");
    let said = migrate::up(&config, true, None).await.expect("migrated");
    assert_eq!(
        said,
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
async fn status_tells_what_is_applied_and_what_is_pending() {
    let database = Database::empty().await;
    let config = config(&database, &[]);
    let count = |text: &str, word: &str| text.matches(word).count();
    let before = migrate::status(&config, false).await.expect("an answer");
    assert_eq!(count(&before, "pending"), migrations::known().len());

    migrate::up(&config, false, None).await.expect("migrated");
    let after = migrate::status(&config, false).await.expect("an answer");
    assert_eq!(
        (count(&after, "pending"), count(&after, "applied")),
        (0, migrations::known().len())
    );
    let json = migrate::status(&config, true).await.expect("an answer");
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((&json["version"], &json["pending"]), (&json!(migrations::latest()), &json!([])));
}

#[tokio::test]
async fn a_wrong_password_is_called_that() {
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
