//! Plain `docker compose`, without Rust on the host.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    process::Command,
};

use crate::harness::{Stack, ask, run};

pub(crate) fn plain_compose_starts_the_stack_without_settings(stack: &Stack) {
    let project = stack.variable("COMPOSE_PROJECT_NAME");
    run(&mut stack.xtask("down")).succeeded();
    // Deletes the database, because the database of `cargo xtask up` has another password. The build caches are kept.
    ask(Command::new("docker").args(["volume", "rm", &format!("{project}_postgres")]));
    let (env, aside) = (stack.root.join(".env"), stack.root.join(".slipway/.env"));
    fs::rename(&env, &aside).expect("a moved file");

    let compose = |words: &str| {
        let mut compose = stack.command("docker");
        compose.env("COMPOSE_PROJECT_NAME", &project).arg("compose").args(words.split(' '));
        compose
    };
    run(&mut compose("up --detach --wait")).succeeded();
    let token = "exec --no-TTY api /cache/target/debug/migrate token";
    stack.use_token(&ask(&mut compose(token)));
    assert!(stack.has_person("Ada Lovelace"));
    run(stack.xtask("status").env("COMPOSE_PROJECT_NAME", &project))
        .succeeded()
        .prints("started by plain `docker compose`")
        .prints("(ready)");
    run(&mut compose("down")).succeeded();
    ask(Command::new("docker").args(["volume", "rm", &format!("{project}_postgres")]));
    fs::rename(&aside, &env).expect("a moved file");
}

pub(crate) fn an_unreadable_source_is_explained(stack: &Stack) {
    let edit = stack.edit("crates/config/src/lib.rs", |text| format!("{text}// changed\n"));
    let before = fs::metadata(&stack.root).expect("the checkout");
    fs::set_permissions(&stack.root, PermissionsExt::from_mode(0o700)).expect("a mode");
    let ran = run(&mut stack.xtask("up"));
    fs::set_permissions(&stack.root, before.permissions()).expect("a mode");
    // The containers run as uid 1000. If the owner of the checkout has this uid too, they can read it anyway.
    if before.uid() != 1000 {
        ran.failed().prints("cannot read the source").prints("chmod go+rx");
    }

    drop(edit);
    stack.up();
}
