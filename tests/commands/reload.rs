//! Edits are served without a command and without failed requests.

mod traffic;

use std::{
    fs,
    io::{BufRead, BufReader},
    process::Command,
};

use reqwest::blocking::Client;
use serde_json::Value;

use crate::harness::{Engine, Stack, ask, eventually, run, signal};
use traffic::Traffic;

const PAGE: &str = "crates/api/src/landing/page.html";
const HEADING: &str = "<h1>Slipway API</h1>";
const HANDLER: &str = "crates/api/src/health.rs";

pub(crate) fn an_edit_is_served_without_a_command(stack: &Stack) {
    let before = server(stack);
    let edit = stack.edit(HANDLER, |text| text.replace("\"live\"", "\"alive\""));
    eventually("the edit", || stack.page("/health/live").contains("\"alive\"").then_some(()));
    assert_ne!(server(stack), before, "the old server still runs");
    let state = state(stack);
    assert_eq!(state["state"], "live", "{state}");
    assert_eq!(state["changed"], serde_json::json!([HANDLER]));
    run(&mut stack.xtask("up")).succeeded().prints("the running stack serves the changed source");
    run(&mut stack.xtask("up")).succeeded().prints("already up");
    drop(edit);
    eventually("the old text", || stack.page("/health/live").contains("\"live\"").then_some(()));
}

pub(crate) fn a_compile_error_is_shown_while_the_last_good_build_serves(stack: &Stack) {
    let before = server(stack);
    let edit =
        stack.edit(HANDLER, |text| format!("{text}\nconst NUMBER: u8 = \"no number at all\";\n"));
    let failed = eventually("a failed build", || is(stack, "failed"));
    assert_eq!(failed["failure"]["stage"], "build");
    let message = failed["failure"]["message"].as_str().expect("a text");
    assert!(message.contains("mismatched types") && message.contains("\x1b["), "{message:?}");
    run(&mut stack.xtask("logs api"))
        .succeeded()
        .prints("mismatched types")
        .prints("no number at all")
        .prints("still serving the last good build");
    assert_eq!(server(stack), before);
    drop(edit);
    eventually("a good build", || is(stack, "live"));
}

pub(crate) fn reload_events_report_every_step(stack: &Stack) {
    let events = Client::builder().timeout(None).build().expect("a client");
    let events = events.get(stack.url("/reload/events")).send().expect("a response");
    assert_eq!(events.headers()["content-type"], "text/event-stream");
    let mut lines = BufReader::new(events).lines().map_while(Result::ok);
    let mut next = || -> Value {
        let line = lines.find_map(|line| Some(line.strip_prefix("data:")?.to_owned()));
        serde_json::from_str(&line.expect("an event")).expect("JSON")
    };
    assert_eq!(next()["state"], "live");
    let edit = stack.edit(HANDLER, |text| format!("{text}\nconst NUMBER: u8 = \"\";\n"));
    assert_eq!(next()["state"], "building");
    // On a busy machine, one save may be reported as two changes, which cause two builds.
    let mut state = next()["state"].clone();
    while state == "building" {
        state = next()["state"].clone();
    }
    assert_eq!(state, "failed");
    drop(edit);
    assert_eq!(next()["state"], "building");
    // The old server closes its event stream when the new server replaces it.
    eventually("a good build", || is(stack, "live"));
    assert!(lines.all(|line| !line.contains("failed")));
}

pub(crate) fn a_new_migration_is_applied_before_the_new_server_starts(stack: &Stack) {
    let version = stack.schema_version();
    let file = format!("crates/db/migrations/V{}__create_nothing_much.sql", version + 1);
    let migration = stack.edit(&file, |_| "CREATE TABLE nothing_much (id int);\n".to_owned());
    let readiness = format!("\"schema_version\":{}", version + 1);
    eventually("the migration", || stack.page("/health/ready").contains(&readiness).then_some(()));

    // An applied migration must not change, so this edit must be rejected.
    stack.write(&file, "CREATE TABLE nothing_much (id bigint);\n");
    let failed = eventually("a failed migration", || is(stack, "failed"));
    assert_eq!(failed["failure"]["stage"], "migrate");
    assert!(failed["failure"]["message"].to_string().contains("nothing_much"), "{failed}");
    assert!(stack.page("/health/ready").contains(&readiness));

    // Dropping `migration` deletes its file, so the schema of the database is newer than the source.
    drop(migration);
    run(&mut stack.xtask("up")).failed().prints("recreate-db");
    run(&mut stack.xtask("recreate-db --yes")).succeeded();
    assert_eq!(state(stack)["state"], "live");
}

pub(crate) fn unrelated_files_start_no_build(stack: &Stack) {
    let before = state(stack)["build"].clone();
    let edits = ["docs/architecture.md", "tests/e2e/main.rs", "crates/api/src/notes.txt"];
    let edits = edits.map(|file| stack.edit(file, |text| format!("{text}\n// {file}\n")));
    run(&mut stack.xtask("up")).succeeded();
    assert_eq!(state(stack)["build"], before);
    drop(edits);
    run(&mut stack.xtask("up")).succeeded();
    assert_eq!(state(stack)["build"], before);
}

pub(crate) fn a_save_during_a_build_restarts_the_build(stack: &Stack) {
    let numbered = |number: usize| format!("<h1>Save {number}</h1>");
    let edit = stack.edit(PAGE, |page| page.replace(HEADING, &numbered(0)));
    let text = stack.read(PAGE);
    for number in 1..=5 {
        // Writes a new file and renames it, as some editors do.
        let new = stack.root.join("crates/api/src/landing/.page.html.new");
        let builds = state(stack)["build"].clone();
        // Writes only after the last build, because cargo ignores files that are older than its build.
        fs::write(&new, text.replace(&numbered(0), &numbered(number))).expect("a file");
        fs::rename(new, stack.root.join(PAGE)).expect("a rename");
        eventually("a build", || (state(stack)["build"] != builds).then_some(()));
    }
    eventually("the newest", || stack.page("/").contains(&numbered(5)).then_some(()));
    assert!(stack.page("/").contains(&numbered(5)));
    drop(edit);
    eventually("the old text", || stack.page("/").contains(HEADING).then_some(()));
}

pub(crate) fn no_request_fails_during_reloads_and_failed_builds(stack: &Stack) {
    let address = stack.url("").trim_start_matches("http://").to_owned();
    // This request creates a new token if the old token is invalid.
    assert!(stack.has_person("Ada Lovelace"));
    let traffic = Traffic::start(&address, &stack.token());
    for number in 0..3 {
        let before = server(stack);
        let edit =
            stack.edit(HANDLER, |text| text.replace("\"live\"", &format!("\"live {number}\"")));
        eventually("the edit", || (server(stack) != before).then_some(()));
        let mistake = stack.edit(HANDLER, |text| format!("{text}\nconst NUMBER: u8 = \"\";\n"));
        eventually("a failed build", || is(stack, "failed"));
        drop(mistake);
        drop(edit);
        eventually("a good build", || is(stack, "live"));
    }
    let (successes, failures) = traffic.end();
    assert!(successes > 100, "only {successes} requests");
    assert!(
        failures.is_empty(),
        "{} of {successes} requests failed: {:?}",
        failures.len(),
        &failures[..1]
    );
}

pub(crate) fn a_crashed_server_is_restarted_and_the_reason_is_logged(stack: &Stack) {
    // The next build replaces the shared library, but fails. The running server cannot load the new library.
    let edit = stack.edit("crates/web/src/health.rs", |text| text.replace("has_ended", "is_over"));
    eventually("a failed build", || is(stack, "failed"));
    let before = server(stack);
    match stack.engine {
        Engine::Local => signal("KILL", &before),
        Engine::Docker => {
            let container = format!("{}-api-1", stack.variable("COMPOSE_PROJECT_NAME"));
            let kill = format!("kill -9 {before}");
            ask(Command::new("docker").args(["exec", &container, "sh", "-c", &kill]));
        }
    }
    eventually("another server", || (server(stack) != before).then_some(()));
    assert!(stack.has_person("Ada Lovelace"));
    run(&mut stack.xtask("logs api")).succeeded().prints("the server ended: signal: 9");
    drop(edit);
    eventually("a good build", || is(stack, "live"));
}

pub(crate) fn a_changed_setting_is_reported_and_the_next_up_applies_it(stack: &Stack) {
    let identity = stack.identity("api");
    let edit = stack.edit(".env", |text| format!("{text}\nAPI_DOCS=false\n"));
    let named = eventually("the changed setting", || {
        let state = state(stack);
        (state["needs_up"] == serde_json::json!([".env"])).then_some(state)
    });
    assert_eq!(named["state"], "live");
    run(&mut stack.xtask("logs api")).succeeded().prints(".env changed. Run `cargo xtask up`");
    stack.up();
    assert_ne!(stack.identity("api"), identity);
    assert_eq!(stack.get("/docs").0, 404);
    drop(edit);
    stack.up();
    assert_eq!(state(stack)["needs_up"], serde_json::json!([]));
}

/// Returns the supervisor's state, from the API.
fn state(stack: &Stack) -> Value {
    let text = stack.page("/reload");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

fn is(stack: &Stack, expected: &str) -> Option<Value> {
    let state = state(stack);
    (state["state"] == expected).then_some(state)
}

/// Returns the process id of the server.
pub(crate) fn server(stack: &Stack) -> String {
    state(stack)["server"].to_string()
}
