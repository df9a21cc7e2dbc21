//! Commands for a running stack.

use serde_json::json;

use crate::harness::{Checkout, Running, Stack, ask, eventually, run};

pub(crate) fn status_prints_json(stack: &Stack) {
    let status = stack.status();
    assert_eq!(status["up"], true);
    assert_eq!(status["ready"], true);
    assert_eq!(status["engine"], stack.engine.as_str());
    assert_eq!(status["profile"], "dev");
    assert_eq!(status["schema"]["version"], stack.schema_version());
    assert_eq!(status["schema"]["pending"], json!([]));
    for (name, port) in [("api", "API_PORT"), ("postgres", "POSTGRES_PORT")] {
        let services = status["services"].as_array().expect("a list");
        let service = services.iter().find(|service| service["name"] == name).expect(name);
        assert_eq!(service["state"], "running", "{service}");
        assert_eq!(service["health"], "healthy", "{service}");
        assert_eq!(service["port"].to_string(), stack.environment[port], "{service}");
        assert!(service["memory"].as_u64() > Some(1024 * 1024), "{service}");
    }
}

pub(crate) fn status_prints_text(stack: &Stack) {
    run(&mut stack.xtask("status"))
        .succeeded()
        .prints(stack.engine.as_str())
        .prints("(ready)")
        .prints(format!("version {}, 0 migrations pending", stack.schema_version()));
}

pub(crate) fn commands_report_a_stopped_stack(stack: &Stack) {
    let other = Checkout::new(stack.engine);
    run(&mut other.xtask("status")).succeeded().prints("no stack is running");
    assert_eq!(ask(&mut other.xtask("status --json")), r#"{"up":false}"#);
    for command in
        ["logs", "restart", "exec -- true", "psql", "migrate", "seed", "recreate-db --yes", "down"]
    {
        run(&mut other.xtask(command)).failed().prints("cargo xtask up");
    }
    assert!(!other.root.join(".env").exists(), "a command created .env");
}

pub(crate) fn exec_returns_output_and_exit_code(stack: &Stack) {
    let script = "echo out; echo bad >&2; exit 7";
    let ran = run(stack.xtask("exec api --").args(["sh", "-c", script])).ended_with(7);
    assert_eq!(ran.stdout, "out\n");
    assert!(ran.stderr.contains("bad"), "{ran}");

    let settings = "echo \"$DATABASE_URL\"";
    assert!(
        ask(stack.xtask("exec --").args(["sh", "-c", settings])).starts_with("postgresql://"),
        "exec must use the settings of the service"
    );
}

pub(crate) fn psql_accepts_arguments_and_a_pipe(stack: &Stack) {
    let count = "SELECT count(*) FROM persons WHERE name = 'Ada Lovelace'";
    assert_eq!(ask(stack.xtask("psql -- -At -c").arg(count)), "1");
    let piped = Running::start(&mut stack.xtask("psql -- -At"), &format!("{count};\n")).end();
    assert_eq!(piped.succeeded().stdout, "1\n");
    run(stack.xtask("psql -- -v ON_ERROR_STOP=1 -c").arg("SELECT nonsense")).failed();
}

pub(crate) fn logs_show_a_request_and_follow_the_next(stack: &Stack) {
    let request = |id: &str| {
        let persons = stack.url("/persons");
        let response = stack.send(&|client| client.get(&persons).header("x-request-id", id));
        assert_eq!(response.expect("a response").status(), 200);
    };
    request("a-line-before");
    eventually("the log line of the request", || {
        let log = run(&mut stack.xtask("logs api")).succeeded().stdout;
        log.contains("a-line-before").then_some(())
    });

    let mut following = Running::start(&mut stack.xtask("logs --follow api"), "");
    following.wait_for("a-line-before");
    request("a-line-after");
    following.wait_for("a-line-after");
    following.interrupt();
    following.end();

    run(&mut stack.xtask("logs postgres"))
        .succeeded()
        .prints("ready to accept connections")
        .never_prints("a-line-before");
    run(&mut stack.xtask("logs")).succeeded().prints("a-line-before").prints("ready to accept");
    run(&mut stack.xtask("logs nonsense")).failed().prints("nonsense");
}

pub(crate) fn restart_restarts_only_the_named_service(stack: &Stack) {
    for (command, api_is_new, postgres_is_new) in
        [("restart api", true, false), ("restart postgres", false, true), ("restart", true, true)]
    {
        let before = ["api", "postgres"].map(|service| stack.identity(service));
        run(&mut stack.xtask(command)).succeeded();
        let after = ["api", "postgres"].map(|service| stack.identity(service));
        assert_eq!(before[0] != after[0], api_is_new, "api after {command}");
        assert_eq!(before[1] != after[1], postgres_is_new, "postgres after {command}");
        assert!(stack.has_person("Ada Lovelace"), "{command}");
    }
    run(&mut stack.xtask("restart nonsense")).failed().prints("nonsense");
}

pub(crate) fn migrate_shows_and_applies_migrations(stack: &Stack) {
    run(&mut stack.xtask("migrate status"))
        .succeeded()
        .prints("1  create_persons ")
        .prints(" applied 20")
        .never_prints("pending");
    run(&mut stack.xtask("migrate")).succeeded().prints("nothing to apply");
}
