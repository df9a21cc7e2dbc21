//! A running stack with problems of its database, schema or services.

use std::{fs, process::Command};

use super::{Diagnosis, assert_fixed, examine};
use crate::harness::{Engine, Stack, ask, docker_inspect, eventually, run, signal};

/// Runs a query on the stack's database.
fn sql(stack: &Stack, query: &str) -> String {
    ask(stack.xtask("psql -- -XAtqc").arg(query))
}

pub(crate) fn a_wrong_database_password_is_fixed_without_losing_rows(stack: &Stack) {
    stack.create_person("Survives The Doctor");
    let password = stack.variable("POSTGRES_PASSWORD");
    let env = stack.edit(".env", |text| text.replace(&password, "anotherpassword"));
    assert_fixed(stack, "database-password", "different password than .env");
    stack.up();
    assert!(stack.has_person("Survives The Doctor"));

    // Dropping `env` restores the original password in `.env`.
    drop(env);
    assert_fixed(stack, "database-password", "different password than .env");
    stack.up();
    assert!(stack.has_person("Survives The Doctor"));
}

pub(crate) fn the_default_password_is_replaced_in_the_database(stack: &Stack) {
    let text = stack.read(".env").replace(&stack.variable("POSTGRES_PASSWORD"), "slipway");
    stack.write(".env", &text);
    assert_fixed(stack, "env-password", "public password");
    stack.up();
    assert!(stack.has_person("Ada Lovelace"));
    assert!(stack.variable("POSTGRES_PASSWORD").len() > 20);
}

/// This scenario runs only on Docker, because a server does not reveal over TCP which roles exist.
pub(crate) fn an_unknown_database_user_is_reported(stack: &Stack) {
    let mut doctor = stack.xtask("doctor --json");
    doctor.env("POSTGRES_USER", "somebody");
    Diagnosis::of(&mut doctor).finds("database-role", "somebody");
}

pub(crate) fn a_missing_database_is_created(stack: &Stack) {
    let doctor = |words: &str| Diagnosis::of(stack.xtask(words).env("POSTGRES_DB", "another"));
    doctor("doctor --json").finds("database-missing", "another");
    doctor("doctor --fix --json").assert_has_fixed("database-missing");
    assert_eq!(sql(stack, "SELECT count(*) FROM pg_database WHERE datname = 'another'"), "1");
    sql(stack, "DROP DATABASE another WITH (FORCE)");
}

pub(crate) fn a_newer_or_diverged_schema_is_reported(stack: &Stack) {
    let history = "refinery_schema_history";
    let checksum = sql(stack, &format!("SELECT checksum FROM {history} WHERE version = 2"));
    sql(stack, &format!("INSERT INTO {history} VALUES (999, 'add_much', '2026-01-01', '1')"));
    sql(stack, &format!("UPDATE {history} SET checksum = '1' WHERE version = 2"));
    let diagnosis = examine(stack);
    sql(stack, &format!("DELETE FROM {history} WHERE version = 999"));
    sql(stack, &format!("UPDATE {history} SET checksum = '{checksum}' WHERE version = 2"));
    diagnosis.finds("schema-ahead", "V999__add_much");
    diagnosis.finds("schema-diverged", "V2__create_emails");

    let diagnosis = examine(stack);
    diagnosis.assert_not_found("schema-ahead");
    diagnosis.assert_not_found("schema-diverged");
}

pub(crate) fn an_old_schema_is_migrated_and_the_log_names_the_required_version(stack: &Stack) {
    let version = stack.schema_version() + 1;
    let file = format!("crates/db/migrations/V{version}__create_nothing_much.sql");
    let migration = stack.edit(&file, |_| "CREATE TABLE nothing_much (id int);\n".to_owned());
    stack.up();
    if stack.engine == Engine::Docker {
        // Waits until the container is healthy, because `doctor` does not report a starting container.
        let container = format!("{}-api-1", stack.variable("COMPOSE_PROJECT_NAME"));
        let healthy = || docker_inspect(&container, "{{.State.Health.Status}}") == "healthy";
        eventually("the container is healthy", || healthy().then_some(()));
    }
    sql(stack, &format!("DELETE FROM refinery_schema_history WHERE version = {version}"));
    sql(stack, "DROP TABLE nothing_much");
    // The API checks the schema only when a client requests the readiness.
    eventually("the API is not ready", || (stack.get("/health/ready").0 == 503).then_some(()));
    let diagnosis = examine(stack);
    diagnosis.finds("schema-behind", &format!("V{version}__"));
    diagnosis.finds("service", &format!("this server needs version {version}"));
    let diagnosis = Diagnosis::of(&mut stack.xtask("doctor --fix --json"));
    diagnosis.assert_has_fixed("schema-behind");
    diagnosis.assert_not_found("service");

    // Dropping `migration` deletes its file, so the schema of the database is newer than the source.
    drop(migration);
    run(&mut stack.xtask("up")).failed();
    run(&mut stack.xtask("recreate-db --yes")).succeeded();
}

pub(crate) fn a_stopped_service_is_started(stack: &Stack) {
    match stack.engine {
        Engine::Local => signal("KILL", &stack.identity("api")),
        Engine::Docker => {
            let container = format!("{}-api-1", stack.variable("COMPOSE_PROJECT_NAME"));
            ask(Command::new("docker").args(["stop", &container]));
        }
    }
    assert_fixed(stack, "service", "last log message");
    assert!(stack.has_person("Ada Lovelace"));
}

/// Simulates a power failure. This scenario runs only on the local engine, because process ids in a container stay
/// the same.
pub(crate) fn a_stale_pid_file_is_removed_and_the_server_started(stack: &Stack) {
    signal("KILL", &stack.identity("postgres"));
    eventually("its end", || examine(stack).entry("findings", "stale-pid").map(drop));
    let diagnosis = Diagnosis::of(&mut stack.xtask("doctor --fix --json"));
    diagnosis.assert_has_fixed("stale-pid");
    diagnosis.assert_has_fixed("service");
    assert!(stack.has_person("Ada Lovelace"));
}

pub(crate) fn data_of_another_major_version_is_reported(stack: &Stack) {
    run(&mut stack.xtask("down")).succeeded();
    let volume = format!("{}_postgres", stack.variable("COMPOSE_PROJECT_NAME"));
    let file = stack.root.join(".slipway/postgres/data/PG_VERSION");
    let write = |version: &str| match stack.engine {
        Engine::Local => fs::write(&file, format!("{version}\n")).expect("a version"),
        Engine::Docker => {
            let image = stack.postgres_image();
            let echo = format!("echo {version} > /volume/cluster/PG_VERSION");
            let mut docker = Command::new("docker");
            docker.args(["run", "--rm", "--entrypoint=sh", "--user=postgres", "--volume"]);
            ask(docker.args([&format!("{volume}:/volume"), &image, "-c", &echo]));
        }
    };
    let is = match stack.engine {
        Engine::Local => fs::read_to_string(&file).expect("a version"),
        Engine::Docker => {
            let image = stack.postgres_image();
            let run = ["run", "--rm", "--entrypoint=postgres", &image, "--version"];
            let version = ask(Command::new("docker").args(run));
            version.split([' ', '.']).nth(2).expect("a version").to_owned()
        }
    };
    write("9");
    let diagnosis = examine(stack);
    write(is.trim());
    diagnosis.finds("database-major", "PostgreSQL 9");
    stack.up();
}

pub(crate) fn a_changed_engine_is_reported(stack: &Stack) {
    let other = match stack.engine {
        Engine::Docker => "local",
        Engine::Local => "docker",
    };
    let mut doctor = stack.xtask("doctor --json");
    let diagnosis = Diagnosis::of(doctor.env("ENGINE", other));
    assert_eq!(diagnosis.finds("engine-changed", other)["remedy"], "cargo xtask down");
}

/// Replaces the container's `date` for a moment with one that prints another time.
pub(crate) fn a_wrong_container_clock_is_reported(stack: &Stack) {
    let container = format!("{}-postgres-1", stack.variable("COMPOSE_PROJECT_NAME"));
    let folder = tempfile::TempDir::new().expect("a folder");
    let date = folder.path().join("date");
    fs::write(&date, "#!/bin/sh\nexec /bin/date --date='1 hour ago' \"$@\"\n").expect("a file");
    fs::set_permissions(&date, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("a mode");
    let place = "/usr/local/bin/date";
    let to = format!("{container}:{place}");
    ask(Command::new("docker").arg("cp").arg(&date).arg(to));
    let diagnosis = examine(stack);
    ask(Command::new("docker").args(["exec", "--user=root", &container, "rm", place]));
    diagnosis.finds("clock", " s apart");
}
