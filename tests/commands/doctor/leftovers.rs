//! Unused containers and databases, and resources that two checkouts share by mistake.

use std::{fs::File, process::Command};

use super::{Copy, Diagnosis, assert_fixed, examine};
use crate::harness::{Stack, ask};

pub(crate) fn databases_of_a_killed_test_run_are_dropped(stack: &Stack) {
    let name = "e2e_0123456789abcdef0123456789abcdef_template";
    ask(stack.xtask("psql -- -Xqc").arg(format!("CREATE DATABASE {name}")));
    assert_fixed(stack, "test-databases", name);
    assert!(stack.has_person("Ada Lovelace"));
}

/// Creates a stopped container with these labels.
fn container(stack: &Stack, labels: &[String]) -> String {
    let mut create = Command::new("docker");
    create.args(["create", "--entrypoint=true"]);
    for label in labels {
        create.args(["--label", label]);
    }
    ask(create.arg(stack.postgres_image()))
}

pub(crate) fn containers_of_a_killed_test_run_are_removed(stack: &Stack) {
    let lock = tempfile::NamedTempFile::new().expect("a file");
    let id = container(stack, &[format!("test-postgres.lock={}", lock.path().display())]);
    // The lock on this file means that the test run is still active.
    let holder = File::open(lock.path()).expect("a file");
    holder.lock().expect("a lock");
    examine(stack).assert_not_found("test-containers");
    drop(holder);
    assert_fixed(stack, "test-containers", "1 containers");
    assert_eq!(
        ask(Command::new("docker").args(["ps", "-aq", "--filter", &format!("id={id}")])),
        ""
    );
}

pub(crate) fn orphan_containers_are_removed_and_volumes_kept(stack: &Stack) {
    let project = stack.variable("COMPOSE_PROJECT_NAME");
    let label = |name: &str, value: &str| format!("com.docker.compose.{name}={value}");
    let of_project = label("project", &project);
    let root = stack.root.to_str().expect("UTF-8");
    let folder = label("project.working_dir", root);
    container(stack, &[of_project.clone(), label("service", "redis"), folder]);
    let volume = format!("{project}_redis");
    let mut create = Command::new("docker");
    create.args(["volume", "create", "--label", &of_project]);
    ask(create.args(["--label", &label("volume", "redis"), &volume]));

    examine(stack).finds("orphan-volumes", &volume);
    assert_fixed(stack, "orphan-containers", "without a service");
    examine(stack).finds("orphan-volumes", &volume);
    ask(Command::new("docker").args(["volume", "rm", &volume]));
}

pub(crate) fn a_second_checkout_gets_its_own_project_name(stack: &Stack) {
    let mut copy = Copy::new();
    copy.environment.insert("ENGINE", "docker".to_owned());
    let (own, others) =
        (copy.variable("COMPOSE_PROJECT_NAME"), stack.variable("COMPOSE_PROJECT_NAME"));
    copy.write(".env", &copy.read(".env").replace(&own, &others));
    assert_fixed(&copy, "second-checkout", stack.root.to_str().expect("UTF-8"));
    assert_eq!(copy.variable("COMPOSE_PROJECT_NAME"), own);
    assert!(stack.has_person("Ada Lovelace"));
}

pub(crate) fn an_invalid_compose_file_is_reported(_: &Stack) {
    let mut copy = Copy::new();
    copy.environment.insert("ENGINE", "docker".to_owned());
    copy.write("compose.yaml", "services:\n  api: [\n");
    Diagnosis::of(&mut copy.xtask("doctor --json")).finds("compose-file", "compose");
}
