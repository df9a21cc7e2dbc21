//! A stack that is up, and whose database, schema or services are not as they should be.

use std::{fs, process::Command};

use super::{Diagnosis, examine, is_mended};
use crate::harness::{Engine, Stack, ask, docker_inspect, eventually, run, signal};

/// Runs a statement on the stack's database.
fn sql(stack: &Stack, statement: &str) -> String {
    ask(stack.xtask("psql -- -XAtqc").arg(statement))
}

pub(crate) fn another_password_than_the_databases_is_mended_without_losing_a_row(stack: &Stack) {
    stack.create_person("Survives The Doctor");
    let password = stack.variable("POSTGRES_PASSWORD");
    let env = stack.edit(".env", |text| text.replace(&password, "anotherpassword"));
    is_mended(stack, "database-password", "different password than .env");
    stack.up();
    assert!(stack.has_person("Survives The Doctor"));

    // The way back, by the same means.
    drop(env);
    is_mended(stack, "database-password", "different password than .env");
    stack.up();
    assert!(stack.has_person("Survives The Doctor"));
}

pub(crate) fn the_password_that_everybody_knows_is_replaced_in_the_database_too(stack: &Stack) {
    let text = stack.read(".env").replace(&stack.variable("POSTGRES_PASSWORD"), "slipway");
    stack.write(".env", &text);
    is_mended(stack, "env-password", "public password");
    stack.up();
    assert!(stack.has_person("Ada Lovelace"));
    assert!(stack.variable("POSTGRES_PASSWORD").len() > 20);
}

/// On Docker: over TCP a server tells nobody which roles it knows.
pub(crate) fn a_user_that_the_database_does_not_know_is_named(stack: &Stack) {
    let mut doctor = stack.xtask("doctor --json");
    doctor.env("POSTGRES_USER", "somebody");
    Diagnosis::of(&mut doctor).finds("database-role", "somebody");
}

pub(crate) fn a_database_that_is_missing_is_made(stack: &Stack) {
    let doctor = |words: &str| Diagnosis::of(stack.xtask(words).env("POSTGRES_DB", "another"));
    doctor("doctor --json").finds("database-missing", "another");
    doctor("doctor --fix --json").has_mended("database-missing");
    assert_eq!(sql(stack, "SELECT count(*) FROM pg_database WHERE datname = 'another'"), "1");
    sql(stack, "DROP DATABASE another WITH (FORCE)");
}

pub(crate) fn a_schema_ahead_of_the_files_or_unlike_them_is_named(stack: &Stack) {
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
    diagnosis.never_finds("schema-ahead");
    diagnosis.never_finds("schema-diverged");
}

pub(crate) fn a_schema_behind_is_brought_up_and_the_log_says_who_waits_for_it(stack: &Stack) {
    let version = stack.schema_version() + 1;
    let file = format!("crates/db/migrations/V{version}__create_nothing_much.sql");
    let migration = stack.edit(&file, |_| "CREATE TABLE nothing_much (id int);\n".to_owned());
    stack.up();
    if stack.engine == Engine::Docker {
        // A container that Docker has not seen healthy yet is given time.
        let container = format!("{}-api-1", stack.variable("COMPOSE_PROJECT_NAME"));
        let healthy = || docker_inspect(&container, "{{.State.Health.Status}}") == "healthy";
        eventually("the container is healthy", || healthy().then_some(()));
    }
    sql(stack, &format!("DELETE FROM refinery_schema_history WHERE version = {version}"));
    sql(stack, "DROP TABLE nothing_much");
    // It notices when it is asked.
    eventually("the API is not ready", || (stack.get("/health/ready").0 == 503).then_some(()));
    let diagnosis = examine(stack);
    diagnosis.finds("schema-behind", &format!("V{version}__"));
    diagnosis.finds("service", &format!("this server needs {version}"));
    let diagnosis = Diagnosis::of(&mut stack.xtask("doctor --fix --json"));
    diagnosis.has_mended("schema-behind");
    diagnosis.never_finds("service");

    // The schema is ahead of the source then.
    drop(migration);
    run(&mut stack.xtask("up")).failed();
    run(&mut stack.xtask("recreate-db --yes")).succeeded();
}

pub(crate) fn a_service_that_has_stopped_is_started(stack: &Stack) {
    match stack.engine {
        Engine::Local => signal("KILL", &stack.identity("api")),
        Engine::Docker => {
            let container = format!("{}-api-1", stack.variable("COMPOSE_PROJECT_NAME"));
            ask(Command::new("docker").args(["stop", &container]));
        }
    }
    is_mended(stack, "service", "last log message");
    assert!(stack.has_person("Ada Lovelace"));
}

/// As after a power cut. On this machine: in a container the number is always the same.
pub(crate) fn what_a_killed_server_left_is_removed_and_the_server_started(stack: &Stack) {
    signal("KILL", &stack.identity("postgres"));
    eventually("its end", || examine(stack).entry("findings", "stale-pid").map(drop));
    let diagnosis = Diagnosis::of(&mut stack.xtask("doctor --fix --json"));
    diagnosis.has_mended("stale-pid");
    diagnosis.has_mended("service");
    assert!(stack.has_person("Ada Lovelace"));
}

pub(crate) fn the_data_of_another_major_version_is_named(stack: &Stack) {
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

pub(crate) fn an_engine_that_was_changed_meanwhile_is_named(stack: &Stack) {
    let other = match stack.engine {
        Engine::Docker => "local",
        Engine::Local => "docker",
    };
    let mut doctor = stack.xtask("doctor --json");
    let diagnosis = Diagnosis::of(doctor.env("ENGINE", other));
    assert_eq!(diagnosis.finds("engine-changed", other)["remedy"], "cargo xtask down");
}

/// The container's own `date` tells another time for a moment.
pub(crate) fn a_clock_of_the_containers_that_is_off_is_named(stack: &Stack) {
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
