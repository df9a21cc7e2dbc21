//! The release build with the production profile: a single process, or replicas behind nginx.

use std::{fs, process::Command};

use serde_json::{Value, json};

use crate::{
    engine_choice::{fake_program, first_in_path},
    harness::{Engine, Stack, ask, docker_inspect, eventually, run},
    point_in_time::Archiving,
    proxy, remote,
};

pub(crate) fn production_disables_development_features_and_keeps_rows(stack: &Stack) {
    stack.create_person("Seen By Both Profiles");
    run(&mut stack.xtask("up --production")).succeeded().prints("production");
    assert_eq!(call(stack, "/", &[]).0, 404);
    let token = check_tokens_and_create_admin(stack);
    let has_the_person = || {
        let authorization = format!("Authorization: Bearer {token}");
        let (status, body) = call(stack, "/persons?limit=100", &["--header", &authorization]);
        assert_eq!(status, 200, "{body}");
        assert!(body.contains("Seen By Both Profiles"), "{body}");
    };
    has_the_person();
    assert_eq!(stack.status()["profile"], "production");
    for command in ["recreate-db --yes", "seed"] {
        run(&mut stack.xtask(command)).failed().prints("production").prints("refused");
    }
    if stack.engine == Engine::Docker {
        assert!(stack.status()["database"].is_null(), "no port leads to it");
        check_https_redirect_and_private_metrics(stack);
        check_container_restrictions(stack);
        check_edits_have_no_effect(stack);
        check_releases(stack);
        remote::check_operations(stack);
        let archiving = Archiving::start(stack, &token);
        // The restore must use the passwords of the secrets, not the passwords at its time.
        remote::check_rotation(stack, &token);
        archiving.check_restore();
        proxy::check_nginx(stack);
        check_password_is_hidden(stack);
    }
    has_the_person();

    stack.up();
    assert_eq!(stack.status()["profile"], "dev");
    assert!(stack.page("/").contains("<dd>dev</dd>"));
    assert!(stack.has_person("Seen By Both Profiles"));
}

fn check_tokens_and_create_admin(stack: &Stack) -> String {
    assert_eq!(call(stack, "/persons", &[]).0, 401);
    run(&mut stack.xtask("token")).failed().prints("production").prints("refused");
    let email = "root@example.com";
    let output = ask(stack.xtask("create-admin --email").arg(email));
    log_in(stack, email, output.lines().last().expect("a line"))
}

/// Returns the token of a new session.
pub(crate) fn log_in(stack: &Stack, email: &str, password: &str) -> String {
    let body = json!({ "email": email, "password": password }).to_string();
    let (status, session) = call(stack, "/sessions", &["--json", &body]);
    assert_eq!(status, 201, "{session}");
    let session: Value = serde_json::from_str(&session).expect("JSON");
    session["token"].as_str().expect("a string").to_owned()
}

/// Sends a request with curl. Returns status and body. Behind nginx, curl trusts only nginx's certificate.
pub(crate) fn call(stack: &Stack, path: &str, options: &[&str]) -> (u16, String) {
    let mut curl = stack.command("curl");
    curl.args(["--silent", "--show-error", "--max-time", "20", "--write-out", "\n%{http_code}"]);
    let url = if stack.engine == Engine::Docker {
        curl.args(["--cacert", ".slipway/secrets/tls_certificate"]);
        format!("https://localhost:{}{path}", plain_port(stack) + 443)
    } else {
        stack.url(path)
    };
    let output = ask(curl.args(options).arg(url));
    let (body, status) = output.rsplit_once('\n').unwrap_or(("", &output));
    (status.parse().expect("a status"), body.to_owned())
}

pub(crate) fn plain_port(stack: &Stack) -> u16 {
    stack.environment["API_PORT"].parse().expect("a port")
}

fn check_https_redirect_and_private_metrics(stack: &Stack) {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--output", "/dev/null", "--write-out", "%{http_code} %{redirect_url}"]);
    let port = plain_port(stack);
    let output = ask(curl.arg(format!("http://localhost:{port}/persons?limit=1")));
    assert_eq!(output, format!("308 https://localhost:{}/persons?limit=1", port + 443));
    let (status, body) = call(stack, "/metrics", &[]);
    assert_eq!(status, 404);
    let problem: Value = serde_json::from_str(&body).expect("problem+json");
    assert_eq!(problem["code"], "not_found");
    stack.write("large", &"x".repeat(2_000_000));
    let (status, body) = call(stack, "/persons", &["--data-binary", "@large"]);
    fs::remove_file(stack.root.join("large")).expect("the file just written");
    assert_eq!(status, 413, "{body}");
}

fn check_container_restrictions(stack: &Stack) {
    let container = replicas(stack).remove(0);
    for (property, value) in [
        ("{{.Config.User}}", "65532:65532"),
        ("{{.HostConfig.ReadonlyRootfs}}", "true"),
        ("{{.HostConfig.Privileged}}", "false"),
        ("{{.HostConfig.CapAdd}}", "[]"),
        ("{{.HostConfig.CapDrop}}", "[ALL]"),
        ("{{.HostConfig.SecurityOpt}}", "[no-new-privileges:true]"),
        ("{{range .Mounts}}{{.Destination}} {{.RW}}{{end}}", "/run/secrets/application_url false"),
        ("{{.HostConfig.PortBindings}}", "map[]"),
    ] {
        assert_eq!(docker_inspect(&container, property), value, "{property}");
    }
}

fn check_edits_have_no_effect(stack: &Stack) {
    let path = "crates/config/src/lib.rs";
    let source = fs::read_to_string(stack.root.join(path)).expect("a source file");
    stack.write(path, &format!("{source}\n// Edited.\n"));
    run(&mut stack.xtask("migrate status")).succeeded();
    stack.write(path, &source);
}

/// Deploys variants of the same release: one that works, one that never gets ready, one with an older schema.
fn check_releases(stack: &Stack) {
    run(&mut stack.xtask("scale 3")).succeeded().prints("2 → 3 replicas");
    assert_eq!(replicas(stack).len(), 3);
    let image = docker_inspect(&replicas(stack)[0], "{{.Config.Image}}");
    let (repository, first) = image.rsplit_once(':').expect("a tag");
    let variant = |tag: &str, lines: &str| {
        let lines = format!(
            "RUN_FROM={image}; printf 'FROM %s\\n{lines}\\n' \"$RUN_FROM\" | docker build --quiet --tag {repository}:{tag} -"
        );
        run(Command::new("sh").args(["-c", &lines])).succeeded();
    };
    variant("second", "LABEL of=test");
    variant("broken", r#"ENTRYPOINT ["/api", "openapi"]"#);
    let project = stack.variable("COMPOSE_PROJECT_NAME");
    variant("old", &format!("LABEL slipway.schema=1 project={project}"));

    run(&mut stack.xtask("deploy --tag second --dry-run")).succeeded().prints("3 replicas");
    run(&mut stack.xtask("deploy --tag broken"))
        .failed()
        .prints("does not become ready")
        .prints("undone");
    assert_eq!(tags(stack), [first, first, first]);
    run(&mut stack.xtask("deploy --tag second")).succeeded().prints("3 replicas serve");
    assert_eq!(tags(stack), ["second"; 3]);
    // `up --production` has installed this release.
    run(&mut stack.xtask("rollback")).succeeded().prints(format!("{first} serves"));
    assert_eq!(tags(stack), [first, first, first]);
    run(&mut stack.xtask("deploy --tag old")).succeeded();
    run(&mut stack.xtask("deploy --tag second")).succeeded();
    check_deploy_applies_settings(stack);
    check_prune_keeps_rollback_targets(stack, repository);
    run(&mut stack.xtask("rollback")).failed().prints("refused").prints("schema");
    assert_eq!(tags(stack), ["second"; 3]);
    run(&mut stack.xtask("releases"))
        .succeeded()
        .prints("failed: ")
        .prints("now: second on 3 replicas");
    check_status_and_logs(stack);
}

/// Runs the command of the runbook, but only on the images of this stack.
fn check_prune_keeps_rollback_targets(stack: &Stack, repository: &str) {
    let page = stack.read("docs/runbook-database.md");
    let command = page.lines().find_map(|line| line.strip_prefix("$ docker image prune "));
    let label = format!("project={}", stack.variable("COMPOSE_PROJECT_NAME"));
    let unused = format!("{repository}:unused");
    let build = "printf 'FROM scratch\nLABEL %s\n' \"$1\" | docker build --quiet --tag \"$0\" -";
    ask(Command::new("sh").args(["-c", build, &unused, &label]));
    let mut prune = Command::new("docker");
    prune.args(["image", "prune"]).args(command.expect("a command").split(' '));
    run(prune.args(["--filter", &format!("label={label}")])).succeeded();
    let exists = |image: &str| run(Command::new("docker").args(["inspect", image])).is_success();
    assert!(!exists(&unused));
    assert!(exists(&format!("{repository}:old")), "the runbook removes the target of `rollback`");
}

fn check_deploy_applies_settings(stack: &Stack) {
    let before = replicas(stack);
    run(&mut stack.xtask("deploy --tag second")).succeeded();
    assert_eq!(replicas(stack), before, "nothing has changed");
    // Simulates a busy Docker, where the first attempt of each command in the nginx container fails.
    let real = ask(Command::new("sh").args(["-c", "command -v docker"]));
    let script = format!(
        r#"case "$1 $3" in "exec sh") mkdir "$0.tried" && exit 126; rmdir "$0.tried";; esac; exec {real} "$@""#
    );
    let docker = fake_program("docker", &script);
    let path = first_in_path(docker.path());
    let mut deploy = stack.xtask("deploy --tag second");
    run(deploy.env("PATH", path).env("RUST_LOG", "warn")).succeeded();
    let environment = |id: &String| docker_inspect(id, "{{.Config.Env}}");
    assert_eq!(tags(stack), ["second"; 3]);
    assert!(replicas(stack).iter().all(|id| environment(id).contains("RUST_LOG=warn")));
}

fn check_status_and_logs(stack: &Stack) {
    assert_eq!(call(stack, "/persons", &[]).0, 401);
    // The first backup may not be complete.
    let output = eventually("a verified backup", || {
        let output = run(&mut stack.xtask("status --production --json")).stdout;
        let status: Value = serde_json::from_str(&output).expect("JSON");
        (check_of(&status, "drill")["state"] == "ok").then_some(output)
    });
    let status: Value = serde_json::from_str(&output).expect("JSON");
    for (name, value) in [
        ("errors", "0.00 % of "),
        ("p99", "99 % of the requests take at most "),
        ("pool", " of 24 connections are open"),
        ("certificate", "expires "),
        ("backup", ", 0 h "),
        ("drill", ", 0 h "),
    ] {
        let check = check_of(&status, name);
        assert_eq!(check["state"], "ok", "{check}");
        assert!(check["value"].to_string().contains(value), "{check}");
    }
    // The disk of this machine may be almost full.
    let disk = check_of(&status, "disk");
    let free = disk["value"].as_str().and_then(|it| it.split(" used, ").nth(1)?.split(' ').next());
    let free: f64 = free.expect("a size").parse().expect("a number");
    assert_eq!(disk["state"], if free < 5.0 { "abnormal" } else { "ok" }, "{disk}");
    assert_eq!(status["ready"], true, "{output}");
    assert_eq!(status["releases"], json!([{ "tag": "second", "replicas": 3 }]), "{output}");
    assert_eq!(status["last"]["what"], "deploy", "{output}");
    assert_eq!(status["schema"]["version"], stack.schema_version(), "{output}");
    let services = status["services"].as_array().expect("a list");
    let is_replica = |it: &&Value| it["name"].as_str().is_some_and(|it| it.starts_with("api-"));
    let replicas: Vec<_> = services.iter().filter(is_replica).collect();
    assert_eq!(replicas.len(), 3, "{output}");
    assert!(
        replicas.iter().all(|it| it["state"] == "running" && it["memory"].is_u64()),
        "{output}"
    );
    run(&mut stack.xtask("logs --production nginx")).succeeded().prints("nginx-1");
    run(&mut stack.xtask("logs --production unknown-service")).failed().prints("unknown-service");
}

/// Returns a check of `status --production`.
pub(crate) fn check_of<'a>(status: &'a Value, name: &str) -> &'a Value {
    let checks = status["checks"].as_array().expect("a list");
    checks.iter().find(|check| check["name"] == name).expect(name)
}

/// Returns the containers of the API.
pub(crate) fn replicas(stack: &Stack) -> Vec<String> {
    let project = stack.variable("COMPOSE_PROJECT_NAME");
    let project = format!("label=com.docker.compose.project={project}");
    let service = "label=com.docker.compose.service=api";
    let mut list = Command::new("docker");
    list.args(["ps", "--all", "--quiet", "--filter", &project, "--filter", service]);
    ask(&mut list).lines().map(str::to_owned).collect()
}

fn tags(stack: &Stack) -> Vec<String> {
    let image = |id: &String| docker_inspect(id, "{{.Config.Image}}");
    let tag = |image: String| image.rsplit_once(':').map(|(_, tag)| tag.to_owned());
    replicas(stack).iter().filter_map(|id| tag(image(id))).collect()
}

fn check_password_is_hidden(stack: &Stack) {
    let password = stack.variable("POSTGRES_PASSWORD");
    let container = replicas(stack).remove(0);
    let image = docker_inspect(&container, "{{.Image}}");
    let history = ["history", "--no-trunc", "--format", "{{.CreatedBy}}", &image];
    let postgres = format!("{}-postgres-1", stack.variable("COMPOSE_PROJECT_NAME"));
    let mut inspected = ask(Command::new("docker").args(history));
    for name in [&image, &container, &postgres] {
        inspected += &docker_inspect(name, "{{json .}}");
    }
    for name in [&container, &postgres] {
        let logs = run(Command::new("docker").args(["logs", name])).succeeded();
        inspected += &(logs.stdout + &logs.stderr);
    }
    assert!(!inspected.contains(&password), "Docker shows the password");
}
