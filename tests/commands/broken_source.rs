//! Mistakes in source and migrations: `up` says what is wrong, and what ran goes on.

use crate::harness::{Stack, run};

pub(crate) fn a_source_that_does_not_compile_leaves_the_old_api_running(stack: &Stack) {
    let api = stack.identity("api");
    let edit = stack
        .edit("crates/api/src/routes.rs", |text| format!("{text}\nconst NUMBER: u8 = \"\";\n"));
    run(&mut stack.xtask("up"))
        .failed()
        .says("mismatched types")
        .says("the source does not compile");
    assert!(stack.has_person("Ada Lovelace"));
    assert_eq!(stack.identity("api"), api);
    // A restart is of what was built last, and that is whole.
    run(&mut stack.xtask("restart api")).succeeded();

    drop(edit);
    stack.up();
    assert!(stack.has_person("Ada Lovelace"));
}

pub(crate) fn a_migration_that_fails_is_named_and_leaves_the_old_api_running(stack: &Stack) {
    let api = stack.identity("api");
    let migration = stack.edit("crates/db/migrations/V3__alter_nothing.sql", |_| {
        "ALTER TABLE no_such_table ADD COLUMN name text;\n".to_owned()
    });
    run(&mut stack.xtask("up")).failed().says("alter_nothing").says("no_such_table");
    assert!(stack.has_person("Ada Lovelace"));
    assert_eq!(stack.identity("api"), api);

    drop(migration);
    stack.up();
    assert_eq!(stack.status()["schema"]["version"], 2);
}
