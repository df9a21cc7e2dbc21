//! The conventions of all commands: streams, verbosity, JSON, colours, closed pipes.

use std::process::Command;

use serde_json::Value;

use crate::harness::{Engine, Ran, Stack, ask, run};

fn json(command: &mut Command) -> Value {
    let output = ask(command);
    serde_json::from_str(&output).unwrap_or_else(|error| panic!("{error} in {output}"))
}

pub(crate) fn version_is_that_of_the_project(stack: &Stack) {
    let manifest = stack.read("Cargo.toml");
    let version = manifest.lines().find_map(|line| line.strip_prefix("version = "));
    let version = version.expect("a version").trim_matches('"').to_owned();
    assert_eq!(ask(&mut stack.xtask("--version")), format!("cargo xtask {version}"));
}

pub(crate) fn up_prints_its_result_to_stdout_and_progress_to_stderr(stack: &Stack) {
    let Ran { stdout, stderr, .. } = &stack.first_up;
    assert!(stderr.contains("✔ migrate"), "{stderr}");
    assert!(!stdout.contains('✔') && stdout.contains("/docs"), "{stdout}");

    let quiet = run(&mut stack.xtask("up --quiet")).succeeded();
    assert!(quiet.stderr.is_empty() && quiet.stdout.contains("/docs"), "{quiet}");
    let verbose = run(&mut stack.xtask("openapi --check --verbose")).succeeded();
    assert!(verbose.stderr.contains("$ cargo run"), "{verbose}");
    assert!(!verbose.stdout.contains('$'), "{verbose}");
}

pub(crate) fn commands_print_json(stack: &Stack) {
    let up = json(&mut stack.xtask("up --json"));
    assert_eq!(up["ready"], true, "{up}");
    assert_eq!(up["docs"], json(&mut stack.xtask("status --json"))["docs"]);

    let check = json(&mut stack.xtask("openapi --check --json"));
    assert_eq!(check, serde_json::json!({ "ok": true, "current": true, "breaking": [] }));
    let document = stack.read("openapi.json");
    stack.write("openapi.json", &document.replace("listPersons", "listEverybody"));
    let check = run(&mut stack.xtask("openapi --check --json")).ended_with(1);
    stack.write("openapi.json", &document);
    let check: Value = serde_json::from_str(&check.stdout).expect("JSON");
    assert_eq!(check["current"], false, "{check}");

    let check = json(&mut stack.xtask("migrate check --all --json"));
    assert_eq!(check["ok"], true, "{check}");
    assert_eq!(check["checked"], stack.schema_version(), "{check}");
    let branches = json(&mut stack.xtask("db branch list --json"));
    assert!(branches["copies"].is_array() && branches["deleted"].is_array(), "{branches}");
    let backup = json(&mut stack.xtask("db backup --json"));
    let event = backup["events"][0]["event"].as_str().expect("an event");
    assert!(event.starts_with("backed up "), "{backup}");
}

pub(crate) fn routes_list_permissions_and_handlers(stack: &Stack) {
    let routes = json(&mut stack.xtask("routes --json"));
    let routes = routes.as_array().expect("a list");
    let route = routes.iter().find(|route| route["operation"] == "deletePerson").expect("a route");
    assert_eq!((&route["method"], &route["path"]), (&"DELETE".into(), &"/persons/{id}".into()));
    assert_eq!(route["permissions"], serde_json::json!(["admin", "write"]));
    let handler = route["handler"].as_str().expect("a handler");
    assert!(handler.starts_with("crates/domains/people/src/persons.rs:"), "{handler}");
    assert!(handler.ends_with(" delete"), "{handler}");
    let without = routes.iter().find(|route| route["handler"].is_null());
    assert!(without.is_none(), "{without:?}");
}

pub(crate) fn open_prints_the_docs_page(stack: &Stack) {
    assert_eq!(ask(&mut stack.xtask("open")), stack.url("/docs").replace("127.0.0.1", "localhost"));
}

/// Runs a command in a shell that redirects its output.
fn redirected(stack: &Stack, command: &str, script: &str) -> Ran {
    let xtask = stack.xtask(command);
    let mut shell = stack.command("sh");
    shell.args(["-c", script, "sh"]).arg(xtask.get_program()).args(xtask.get_args());
    shell.envs(xtask.get_envs().filter_map(|(name, value)| Some((name, value?))));
    run(&mut shell).never_prints("panicked")
}

pub(crate) fn closed_and_full_outputs_do_not_cause_a_panic(stack: &Stack) {
    let own = ["", "status --json", "routes", "migrate check --all"];
    // On Docker, these commands run `docker compose`, which is killed by a signal if the pipe is closed.
    let passed: &[_] =
        if stack.engine == Engine::Local { &["migrate status", "logs"] } else { &[] };
    for command in own.iter().chain(passed) {
        // `true` ends without reading, so the pipe is closed before the command writes.
        let closed = redirected(stack, command, "(\"$@\"; echo code $? >&2) | true");
        closed.prints("code 0");
        let full = redirected(stack, command, "\"$@\" >/dev/full");
        full.failed().prints("No space left");
        redirected(stack, command, "\"$@\" 2>/dev/full").succeeded();
    }
}

pub(crate) fn colours_follow_the_environment(stack: &Stack) {
    let colours = |variables: &[(&str, &str)], command: &str| {
        let mut xtask = stack.xtask(command);
        xtask.env_remove("CLICOLOR_FORCE").env_remove("NO_COLOR").envs(variables.iter().copied());
        run(&mut xtask).succeeded().stdout.contains('\x1b')
    };
    for command in ["", "logs api"] {
        assert!(!colours(&[], command), "{command}");
        assert!(colours(&[("CLICOLOR_FORCE", "1")], command), "{command}");
        assert!(!colours(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], command), "{command}");
    }
}
