//! The files of a checkout as other systems, other users and merges leave them.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt},
    process::Command,
};

use super::{Copy, Diagnosis, examine, is_mended};
use crate::harness::{Stack, ask};

pub(crate) fn line_ends_of_windows_are_replaced(_: &Stack) {
    let copy = Copy::new();
    for file in
        ["docker/base/postgres-entrypoint.sh", "crates/db/migrations/V1__create_persons.sql"]
    {
        let text = copy.read(file);
        copy.write(file, &text.replace('\n', "\r\n"));
        is_mended(&copy, "crlf", file);
        assert_eq!(copy.read(file), text);
    }
}

pub(crate) fn scripts_that_cannot_be_run_can_be_again(_: &Stack) {
    let copy = Copy::new();
    fs::set_permissions(copy.root.join(".ci/run"), Permissions::from_mode(0o644)).expect("a mode");
    is_mended(&copy, "script-mode", ".ci/run");
}

pub(crate) fn files_of_another_user_are_named_and_given_back_by_root(_: &Stack) {
    let copy = Copy::new();
    let file = copy.root.join("README.md");
    let owner = fs::metadata(&copy.root).expect("the checkout").uid();
    let is_root = fs::metadata("/proc/self").expect("our own process").uid() == 0;
    let mut chown = if is_root { Command::new("chown") } else { Command::new("sudo") };
    if !is_root {
        chown.args(["-n", "chown"]);
    }
    ask(chown.arg("12345").arg(&file));
    if is_root {
        is_mended(&copy, "owner", "README.md");
        assert_eq!(fs::metadata(&file).expect("it is there").uid(), owner);
    } else {
        let diagnosis = examine(&copy);
        let remedy = &diagnosis.finds("owner", "README.md")["remedy"];
        assert!(remedy.as_str().expect("a text").starts_with("sudo chown"), "{remedy}");
    }
}

pub(crate) fn a_source_that_containers_may_not_read_is_opened(_: &Stack) {
    let mut copy = Copy::new();
    copy.environment.insert("ENGINE", "docker".to_owned());
    copy.environment.insert("DOCKER_HOST", "unix:///nowhere/docker.sock".to_owned());
    let before = fs::metadata(&copy.root).expect("the checkout");
    fs::set_permissions(&copy.root, Permissions::from_mode(0o700)).expect("a mode");
    // The containers' own user may read it.
    if before.uid() != 1000 {
        is_mended(&copy, "unreadable-source", "cannot read .");
    }
}

pub(crate) fn a_state_that_cannot_be_read_is_set_aside(_: &Stack) {
    let copy = Copy::new();
    fs::create_dir_all(copy.root.join(".slipway")).expect("a folder");
    copy.write(".slipway/state.json", "{\"engine\": \"loc");
    is_mended(&copy, "state", "state.json");
    assert!(!copy.root.join(".slipway/state.json").exists());
}

pub(crate) fn migrations_with_one_number_are_named(_: &Stack) {
    let copy = Copy::new();
    for (file, says) in [
        ("V2__add_twin.sql", "two migrations have the number 2"),
        ("V99__add_much.sql", "no migration before V99__add_much.sql"),
        ("add_much.sql", "is not applied"),
    ] {
        let _migration =
            copy.edit(&format!("crates/db/migrations/{file}"), |_| "SELECT 1;\n".into());
        examine(&copy).finds("migration-numbers", says);
    }
    examine(&copy).never_finds("migration-numbers");
}

pub(crate) fn it_looks_without_git_and_without_leaving_anything(_: &Stack) {
    let copy = Copy::new();
    fs::remove_file(copy.root.join(".env")).expect(".env");
    let _ = Diagnosis::of(&mut copy.xtask("doctor --json"));
    assert!(!copy.root.join(".env").exists(), "asking has made .env");
    assert!(!copy.root.join(".slipway").exists(), "asking has made .slipway");
}
