//! Errors in source and migrations: `up` reports them, and the running API continues.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::harness::{Stack, run};

pub(crate) fn a_compile_error_keeps_the_old_api_running(stack: &Stack) {
    let api = stack.identity("api");
    let edit = stack
        .edit("crates/api/src/routes.rs", |text| format!("{text}\nconst NUMBER: u8 = \"\";\n"));
    run(&mut stack.xtask("up"))
        .failed()
        .prints("mismatched types")
        .prints("the source does not compile");
    assert!(stack.has_person("Ada Lovelace"));
    assert_eq!(stack.identity("api"), api);
    // `restart` starts the last successful build, even if the source is broken.
    run(&mut stack.xtask("restart api")).succeeded();

    drop(edit);
    stack.up();
    assert!(stack.has_person("Ada Lovelace"));
}

pub(crate) fn a_failed_migration_keeps_the_old_api_running(stack: &Stack) {
    let api = stack.identity("api");
    let version = stack.schema_version();
    let file = format!("crates/db/migrations/V{}__alter_nothing.sql", version + 1);
    let migration =
        stack.edit(&file, |_| "ALTER TABLE no_such_table ADD COLUMN name text;\n".to_owned());
    run(&mut stack.xtask("up")).failed().prints("alter_nothing").prints("no_such_table");
    assert!(stack.has_person("Ada Lovelace"));
    assert_eq!(stack.identity("api"), api);

    drop(migration);
    stack.up();
    assert_eq!(stack.status()["schema"]["version"], version);
}

/// Kills the compiler, as the kernel does when memory runs out.
pub(crate) fn a_killed_compiler_is_not_blamed_on_the_source(stack: &Stack) {
    let compiler = stack.edit(".cargo/rustc", |_| "#!/bin/sh\nkill -9 $$\n".to_owned());
    let path = stack.root.join(".cargo/rustc");
    fs::set_permissions(path, PermissionsExt::from_mode(0o755)).expect("a mode");
    let settings = stack
        .edit(".cargo/config.toml", |text| format!("{text}\n[build]\nrustc = \".cargo/rustc\"\n"));
    run(&mut stack.xtask("up"))
        .failed()
        .prints("the compiler was killed")
        .prints("memory")
        .never_prints("the source does not compile");
    assert!(stack.has_person("Ada Lovelace"));

    drop((compiler, settings));
    stack.up();
}
