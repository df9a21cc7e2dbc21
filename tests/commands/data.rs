//! Only commands that are documented to delete rows delete them, and they ask for confirmation.

use crate::harness::{Engine, Stack, run};

pub(crate) fn a_row_survives_down_and_up(stack: &Stack) {
    stack.create_person("Survives Down");
    run(&mut stack.xtask("down")).succeeded().prints("the data is kept");
    run(&mut stack.xtask("status")).succeeded().prints("no stack is running");
    assert!(stack.try_get("/health/live").is_err(), "the API still responds");
    stack.up();
    assert!(stack.has_person("Survives Down"));
}

pub(crate) fn recreate_db_restores_sample_rows_while_the_api_runs(stack: &Stack) {
    stack.create_person("Dropped By Recreate");
    let api = stack.identity("api");
    run(&mut stack.xtask("recreate-db --yes")).succeeded();
    assert!(!stack.has_person("Dropped By Recreate"));
    assert!(stack.has_person("Ada Lovelace"));
    assert_eq!(stack.identity("api"), api);
}

pub(crate) fn recreate_db_empty_leaves_no_rows_and_seed_loads_them(stack: &Stack) {
    run(&mut stack.xtask("recreate-db --empty --yes")).succeeded();
    assert_eq!(stack.page("/persons"), r#"{"items":[]}"#);
    run(&mut stack.xtask("seed")).succeeded().prints("loaded 12 sample persons");
    assert!(stack.has_person("Ada Lovelace"));
    run(&mut stack.xtask("seed")).succeeded().prints("loaded 0 sample persons");
}

pub(crate) fn rows_are_not_dropped_without_yes(stack: &Stack) {
    stack.create_person("Kept Without Yes");
    for command in ["recreate-db", "recreate-db --empty", "down --volumes"] {
        run(&mut stack.xtask(command)).failed().prints("--yes");
        assert!(stack.has_person("Kept Without Yes"), "{command}");
    }
}

pub(crate) fn down_with_volumes_leaves_nothing(stack: &Stack) {
    stack.create_person("Gone With The Volume");
    run(&mut stack.xtask("down --volumes --yes")).succeeded().prints("the data is removed");
    assert_eq!(stack.processes(), [""; 0]);
    match stack.engine {
        Engine::Docker => {
            for kind in ["container", "volume", "network"] {
                assert_eq!(stack.docker_has(kind), [""; 0], "{kind}");
            }
        }
        Engine::Local => {
            assert!(!stack.root.join(".slipway/postgres").exists());
            stack.up();
            assert!(!stack.has_person("Gone With The Volume"));
            assert!(stack.has_person("Ada Lovelace"));
        }
    }
    run(&mut stack.xtask("down --volumes --yes")).succeeded();
    run(&mut stack.xtask("down --volumes --yes")).succeeded();
}
