//! Killed processes.

use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Engine, Running, Stack, ask, eventually, run, signal};

const STATE: &str = ".slipway/state.json";
const PID_FILE: &str = ".slipway/postgres/data/postmaster.pid";

pub(crate) fn a_killed_api_is_restarted(stack: &Stack) {
    kill(stack, "api");
    if stack.engine == Engine::Local {
        stack.up();
    }
    eventually("the API is back", || stack.try_get("/persons").ok()?.error_for_status().ok());
    stack.up();
}

pub(crate) fn a_killed_database_recovers_its_rows(stack: &Stack) {
    stack.create_person("Survives A Crash");
    let api = stack.identity("api");
    kill(stack, "postgres");
    if stack.engine == Engine::Local {
        run(&mut stack.xtask("restart postgres")).succeeded();
    }
    eventually("the database is back", || {
        stack.try_get("/health/ready").ok()?.error_for_status().ok()
    });
    assert!(stack.has_person("Survives A Crash"));
    assert_eq!(stack.identity("api"), api, "the API must reconnect by itself");
}

pub(crate) fn up_restarts_a_killed_database(stack: &Stack) {
    stack.create_person("Restarted By Up");
    kill(stack, "postgres");
    stack.up();
    assert!(stack.has_person("Restarted By Up"));
}

/// Simulates a power failure, after which other processes have the recorded process ids.
pub(crate) fn up_does_not_kill_an_unrelated_process_with_a_recorded_pid(stack: &Stack) {
    let mut foreign = Running::start(Command::new("sleep").arg("600"), "");
    let old = stack.identity("postgres");
    for service in ["api", "postgres"] {
        kill(stack, service);
    }
    let mut state: Value = serde_json::from_str(&stack.read(STATE)).expect("JSON");
    let hour_before = state["api"]["started"].as_u64().expect("a time") - 3600;
    state["api"] = json!({ "pid": foreign.pid(), "started": hour_before });
    stack.write(STATE, &state.to_string());
    stack.write(PID_FILE, &stack.read(PID_FILE).replacen(&old, &foreign.pid().to_string(), 1));

    stack.up();
    assert!(stack.has_person("Ada Lovelace"));
    run(&mut stack.xtask("down")).succeeded();
    assert!(foreign.is_alive(), "the unrelated process was killed");
}

/// Kills a service, as the kernel does when memory is short.
fn kill(stack: &Stack, service: &str) {
    match stack.engine {
        Engine::Local => {
            let pid = stack.identity(service);
            signal("KILL", &pid);
            eventually("its end", || (!is_running(&pid)).then_some(()));
        }
        Engine::Docker => {
            let container = format!("{}-{service}-1", stack.variable("COMPOSE_PROJECT_NAME"));
            let before = stack.identity(service);
            // Kills the server, which is the child of process 1. Process 1 cannot be killed from inside.
            let kill = "kill -9 $(cat /proc/1/task/1/children)";
            ask(Command::new("docker").args(["exec", &container, "sh", "-c", kill]));
            eventually("another start", || (stack.identity(service) != before).then_some(()));
        }
    }
}

fn is_running(pid: &str) -> bool {
    let state = Command::new("ps").args(["-o", "stat=", "-p", pid]).output().expect("ps");
    let state = String::from_utf8_lossy(&state.stdout).trim().to_owned();
    !state.is_empty() && !state.starts_with('Z')
}
