//! The database roles: the API reads and writes rows, and only the owner changes the schema.

use config::Secret;
use db::Client;
use migrate::{branches, snapshots};
use serde_json::json;

use crate::harness::{Database, TestApp, config};

/// Connects with the role of the API.
async fn application(database: &Database) -> Client {
    let url = Secret::from(database.application_url());
    db::connect(&url, None).await.expect("a connection")
}

/// Panics unless the role may not run the query.
async fn is_denied(client: &Client, query: &str) {
    let error = client.batch_execute(query).await.expect_err(query);
    let error = error.as_db_error().expect("an error of the server");
    assert_eq!(error.code().code(), "42501", "{query}: {error}");
}

/// Panics unless the API can write rows and the audit only grows.
async fn is_restricted(database: &Database) {
    let client = application(database).await;
    client.batch_execute("UPDATE persons SET nickname = 'x'").await.expect("the privilege");
    client.query("SELECT FROM audit_entries", &[]).await.expect("the privilege");
    is_denied(&client, "UPDATE audit_entries SET action = 'x'").await;
}

#[tokio::test]
async fn the_api_cannot_change_the_schema_or_the_audit() {
    let app = TestApp::spawn().await;
    app.create("/persons", json!({})).await;
    is_restricted(&app.database).await;
    let client = application(&app.database).await;
    for query in [
        "CREATE TABLE t (id integer)",
        "ALTER TABLE persons ADD COLUMN t integer",
        "DROP TABLE persons",
        "TRUNCATE persons",
        "DELETE FROM audit_entries",
        "TRUNCATE audit_entries",
        "DELETE FROM refinery_schema_history",
        "CREATE ROLE t",
        "COPY persons TO PROGRAM 'true'",
    ] {
        is_denied(&client, query).await;
    }
    let owner = app.database.connect().await;
    let deleted = owner.execute("DELETE FROM audit_entries", &[]).await.expect("the owner");
    assert!(deleted > 0);
}

#[tokio::test]
async fn new_tables_get_the_privileges() {
    let database = Database::migrated().await;
    let owner = database.connect().await;
    let create = "CREATE TABLE privileged_rows (id serial PRIMARY KEY, text text)";
    owner.batch_execute(create).await.expect("a table");
    let client = application(&database).await;
    let write = "INSERT INTO privileged_rows (text) VALUES ('a'); \
                 UPDATE privileged_rows SET text = 'b'; DELETE FROM privileged_rows";
    client.batch_execute(write).await.expect("the privileges");
}

#[tokio::test]
async fn the_reader_can_only_read() {
    let database = Database::migrated().await;
    migrate::create_roles(&config(&database, &[])).await.expect("the roles");
    migrate::up(&config(&database, &[]), false, None).await.expect("the privileges");
    let client = database.connect().await;
    let role = format!("SET ROLE {}", database.role("reader"));
    client.batch_execute(&role).await.expect("a member");
    client.query("SELECT FROM persons", &[]).await.expect("the privilege");
    is_denied(&client, "DELETE FROM persons").await;
}

#[tokio::test]
async fn a_database_of_an_older_release_gets_the_privileges() {
    let database = Database::empty().await;
    let before = [("DATABASE_URL", &*database.url())];
    migrate::up(&config(&database, &before), true, None).await.expect("a schema");
    is_denied(&application(&database).await, "SELECT FROM persons").await;
    migrate::up(&config(&database, &[]), false, None).await.expect("the privileges");
    is_restricted(&database).await;
    migrate::up(&config(&database, &[]), false, None).await.expect("no change");
}

#[tokio::test]
async fn a_changed_password_reaches_the_database() {
    let database = Database::migrated().await;
    let role = format!("{}:application@", database.role("application"));
    for password in ["first", "second"] {
        let changed = format!("{}:{password}@", database.role("changed_application"));
        let url = database.application_url().replace(&role, &changed);
        let variables = [("DATABASE_URL", &*database.url()), ("DATABASE_APPLICATION_URL", &url)];
        migrate::up(&config(&database, &variables), false, None).await.expect("a password");
        let client = db::connect(&Secret::from(url), None).await.expect("a connection");
        client.query("SELECT FROM persons", &[]).await.expect("the privilege");
    }
}

#[tokio::test]
async fn databases_of_one_server_can_use_the_same_roles() {
    let databases = [Database::empty().await, Database::empty().await];
    let role = databases[0].role("shared_application");
    let [one, other] = databases.each_ref().map(|database| {
        let own = format!("{}:application@", database.role("application"));
        let url = database.application_url().replace(&own, &format!("{role}:shared@"));
        let variables =
            [("DATABASE_APPLICATION_URL", &*url), ("DATABASE_BACKUP_PASSWORD", "backup")];
        config(database, &variables)
    });
    for _ in 0..10 {
        let (one, other) = tokio::join!(migrate::create_roles(&one), migrate::create_roles(&other));
        one.and(other).expect("the roles");
    }
}

#[tokio::test]
async fn copies_keep_the_privileges() {
    let database = Database::migrated().await;
    let config = config(&database, &[]);
    migrate::recreate(&config, false, true).await.expect("a new database");
    is_restricted(&database).await;
    snapshots::restore(&config, None, true, true).await.expect("a snapshot");
    is_restricted(&database).await;
    branches::switch(&config, "other", Some("main"), &[]).await.expect("a copy");
    is_restricted(&database).await;
}

#[tokio::test]
async fn an_owner_who_cannot_create_roles_uses_one_role_or_an_existing_one() {
    let database = Database::empty().await;
    let (role, owner) = (database.role("limited"), database.connect().await);
    let create = format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'limited'; \
         ALTER DATABASE {} OWNER TO {role}",
        database.name
    );
    owner.batch_execute(&create).await.expect("an owner");
    let url = database.url();
    let (_, server) = url.rsplit_once('@').expect("a user");
    let url = format!("postgresql://{role}:limited@{server}");
    let one = [("DATABASE_URL", &*url), ("APP_ENV", "production")];
    let output = migrate::up(&config(&database, &one), false, None).await.expect("a schema");
    assert!(output.contains("warning: the API connects as"), "{output}");

    let missing = url.replacen(&role, &format!("{role}_missing"), 1);
    let separate = [("DATABASE_URL", &*url), ("DATABASE_APPLICATION_URL", &missing)];
    let error = migrate::up(&config(&database, &separate), false, None).await;
    let error = format!("{:#}", error.expect_err("a missing role"));
    assert!(error.contains("may not create roles"), "{error}");

    let given = database.application_url();
    let separate = [("DATABASE_URL", &*url), ("DATABASE_APPLICATION_URL", &given)];
    migrate::up(&config(&database, &separate), false, None).await.expect("the privileges");
    is_restricted(&database).await;
}
