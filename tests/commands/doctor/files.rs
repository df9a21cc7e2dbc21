//! Problems with files of the checkout, from other systems, other users and merges.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt},
    process::Command,
};

use super::{Copy, Diagnosis, assert_fixed, examine};
use crate::harness::{Stack, ask};

pub(crate) fn windows_line_ends_are_replaced(_: &Stack) {
    let copy = Copy::new();
    for file in
        ["docker/base/postgres-entrypoint.sh", "crates/db/migrations/V1__create_persons.sql"]
    {
        let text = copy.read(file);
        copy.write(file, &text.replace('\n', "\r\n"));
        assert_fixed(&copy, "crlf", file);
        assert_eq!(copy.read(file), text);
    }
}

pub(crate) fn scripts_become_executable_again(_: &Stack) {
    let copy = Copy::new();
    fs::set_permissions(copy.root.join(".ci/run"), Permissions::from_mode(0o644)).expect("a mode");
    assert_fixed(&copy, "script-mode", ".ci/run");
}

pub(crate) fn files_of_another_user_are_reported_and_fixed_by_root(_: &Stack) {
    let copy = Copy::new();
    let file = copy.root.join("README.md");
    let owner = fs::metadata(&copy.root).expect("the checkout").uid();
    let is_root = fs::metadata("/proc/self").expect("this process").uid() == 0;
    let mut chown = if is_root { Command::new("chown") } else { Command::new("sudo") };
    if !is_root {
        chown.args(["-n", "chown"]);
    }
    ask(chown.arg("12345").arg(&file));
    if is_root {
        assert_fixed(&copy, "owner", "README.md");
        assert_eq!(fs::metadata(&file).expect("the file").uid(), owner);
    } else {
        let diagnosis = examine(&copy);
        let remedy = &diagnosis.finds("owner", "README.md")["remedy"];
        assert!(remedy.as_str().expect("a text").starts_with("sudo chown"), "{remedy}");
    }
}

pub(crate) fn an_unreadable_source_is_fixed(_: &Stack) {
    let mut copy = Copy::new();
    copy.environment.insert("ENGINE", "docker".to_owned());
    copy.environment.insert("DOCKER_HOST", "unix:///nowhere/docker.sock".to_owned());
    let before = fs::metadata(&copy.root).expect("the checkout");
    fs::set_permissions(&copy.root, Permissions::from_mode(0o700)).expect("a mode");
    // The containers run as uid 1000. If the owner of the checkout has this uid too, they can read it anyway.
    if before.uid() != 1000 {
        assert_fixed(&copy, "unreadable-source", "cannot read .");
    }
}

pub(crate) fn an_unreadable_state_file_is_moved_away(_: &Stack) {
    let copy = Copy::new();
    fs::create_dir_all(copy.root.join(".slipway")).expect("a folder");
    copy.write(".slipway/state.json", "{\"engine\": \"loc");
    assert_fixed(&copy, "state", "state.json");
    assert!(!copy.root.join(".slipway/state.json").exists());
}

pub(crate) fn wrong_migration_numbers_are_reported(_: &Stack) {
    let copy = Copy::new();
    for (file, says) in [
        ("V2__add_twin.sql", "two migrations have the number 2"),
        ("V99__add_much.sql", "the migration before V99__add_much.sql is missing"),
        ("add_much.sql", "is ignored"),
    ] {
        let _migration =
            copy.edit(&format!("crates/db/migrations/{file}"), |_| "SELECT 1;\n".into());
        examine(&copy).finds("migration-numbers", says);
    }
    examine(&copy).assert_not_found("migration-numbers");
}

pub(crate) fn doctor_works_without_git_and_creates_no_files(_: &Stack) {
    let copy = Copy::new();
    fs::remove_file(copy.root.join(".env")).expect(".env");
    let _ = Diagnosis::of(&mut copy.xtask("doctor --json"));
    assert!(!copy.root.join(".env").exists(), "doctor created .env");
    assert!(!copy.root.join(".slipway").exists(), "doctor created .slipway");
}
