//! Ctrl-C during a command.

use std::fs;

use crate::harness::{Engine, Running, Stack, eventually, run};

pub(crate) fn the_next_up_completes_an_interrupted_up(stack: &Stack) {
    run(&mut stack.xtask("down")).succeeded();
    let edit = stack.edit("crates/config/src/lib.rs", |text| format!("{text}// changed\n"));
    let mut up = Running::start(&mut stack.xtask("up"), "");
    up.wait_for("database ");
    up.interrupt();
    up.end().failed().never_prints("the stack is up (");

    if stack.engine == Engine::Local {
        // Simulates a first `up` that was interrupted before it compiled anything.
        fs::remove_file(stack.root.join(".slipway/bin/migrate")).expect("the migration tool");
        run(&mut stack.xtask("db snapshot list")).failed().prints("is not built yet");
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
