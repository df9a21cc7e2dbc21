//! Ctrl-C at a bad moment.

use std::fs;

use crate::harness::{Engine, Running, Stack, eventually, run};

pub(crate) fn an_up_that_was_interrupted_is_completed_by_the_next(stack: &Stack) {
    run(&mut stack.xtask("down")).succeeded();
    let edit = stack.edit("crates/config/src/lib.rs", |text| format!("{text}// changed\n"));
    let mut up = Running::start(&mut stack.xtask("up"), "");
    up.wait_for("database ");
    up.interrupt();
    up.end().failed().never_says("up in");

    if stack.engine == Engine::Local {
        // As if it had been the first one, and had compiled nothing yet.
        fs::remove_file(stack.root.join(".slipway/bin/migrate")).expect("the migration tool");
        run(&mut stack.xtask("db snapshot list")).failed().says("is not built yet");
    }

    drop(edit);
    stack.up();
    assert!(stack.has_person("Ada Lovelace"));
    if stack.engine == Engine::Docker {
        eventually("the end of the interrupted build", || {
            (stack.docker_has("container").len() == 2).then_some(())
        });
    }
}
