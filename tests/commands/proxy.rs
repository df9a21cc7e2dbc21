//! nginx in front of the replicas of the production stack.

use std::{fs, process::Command, time::Instant};

use serde_json::Value;

use crate::{
    harness::{Ran, Stack, ask, docker_inspect, eventually, run},
    production::call,
};

/// Requests in a row, one after the other.
const IN_A_ROW: usize = 400;

/// There are three replicas of the release `second`.
pub(crate) fn nginx_outlives_restarts_and_mistakes(stack: &Stack) {
    started_again_it_serves(stack);
    what_it_does_not_take_changes_nothing(stack);
    a_new_certificate_is_served_at_once(stack);
    one_that_ends_each_time_is_made_anew(stack);
    what_comes_together_goes_to_one_replica(stack);
}

fn container(stack: &Stack) -> String {
    format!("{}-nginx-1", stack.variable("COMPOSE_PROJECT_NAME"))
}

/// As after the machine was.
fn started_again_it_serves(stack: &Stack) {
    ask(Command::new("docker").args(["restart", &container(stack)]));
    // There is a moment in which nobody listens.
    let options = ["--retry", "20", "--retry-delay", "1", "--retry-all-errors"];
    assert_eq!(call(stack, "/health/ready", &options).0, 200);
}

fn what_it_does_not_take_changes_nothing(stack: &Stack) {
    let before = docker_inspect(&container(stack), "{{.Id}}");
    let mut deploy = stack.xtask("deploy --tag second");
    run(deploy.env("PROXY_BALANCE", "random")).failed().says("PROXY_BALANCE is random");
    let _configuration =
        stack.edit("docker/nginx/nginx.conf", |text| text.replace("gzip on;", "gzip"));
    run(&mut stack.xtask("deploy --tag second")).failed().says("directive").says("nginx.conf");
    assert_eq!(docker_inspect(&container(stack), "{{.Id}}"), before);
    assert_eq!(call(stack, "/health/ready", &[]).0, 200);
}

fn a_new_certificate_is_served_at_once(stack: &Stack) {
    for name in ["one", "another"] {
        let script = format!(
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost \
             -addext subjectAltName=DNS:localhost -keyout .slipway/{name}.key -out .slipway/{name}.pem"
        );
        run(stack.command("sh").args(["-c", &script])).succeeded();
    }
    let before = docker_inspect(&container(stack), "{{.State.StartedAt}}");
    deploy_with(stack, "one", "another").failed().says("TLS_KEY_FILE").says("mismatch");
    for name in ["one", "another"] {
        deploy_with(stack, name, name).succeeded();
        let brought = stack.read(".slipway/secrets/tls_certificate");
        assert_eq!(brought, stack.read(&format!(".slipway/{name}.pem")));
        // Trusted is the one that was brought, alone.
        assert_eq!(call(stack, "/health/ready", &[]).0, 200);
    }
    assert_eq!(docker_inspect(&container(stack), "{{.State.StartedAt}}"), before);
}

fn deploy_with(stack: &Stack, certificate: &str, key: &str) -> Ran {
    let mut deploy = stack.xtask("deploy --tag second");
    deploy.env("TLS_CERTIFICATE_FILE", format!(".slipway/{certificate}.pem"));
    run(deploy.env("TLS_KEY_FILE", format!(".slipway/{key}.key")))
}

fn one_that_ends_each_time_is_made_anew(stack: &Stack) {
    let certificate = ".slipway/secrets/tls_certificate";
    fs::remove_file(stack.root.join(certificate)).expect("the certificate");
    stack.write(certificate, "none");
    ask(Command::new("docker").args(["restart", &container(stack)]));
    eventually("nginx does not start", || {
        (docker_inspect(&container(stack), "{{.State.Status}}") == "restarting").then_some(())
    });
    run(&mut stack.xtask("deploy --tag second")).failed().says("nginx would not start");
    deploy_with(stack, "one", "one").succeeded();
    assert_eq!(call(stack, "/health/ready", &[]).0, 200);
}

fn what_comes_together_goes_to_one_replica(stack: &Stack) {
    let (changes, hundredths) = changes_of_replica(stack, "slices");
    assert!(changes > 0, "all went to one replica");
    assert!(changes <= hundredths + 1, "{changes} changes in {hundredths} hundredths of a second");

    let mut deploy = stack.xtask("deploy --tag second");
    run(deploy.env("PROXY_BALANCE", "round_robin")).succeeded().says("connections ended");
    let (changes, _) = changes_of_replica(stack, "turns");
    assert!(changes * 2 > IN_A_ROW, "{changes} changes among {IN_A_ROW}");
    run(&mut stack.xtask("deploy --tag second")).succeeded();
}

/// How often a request went to another replica than the one before, and how many hundredths of a second all took.
fn changes_of_replica(stack: &Stack, name: &str) -> (usize, usize) {
    let started = Instant::now();
    call(stack, &format!("/{name}/[1-{IN_A_ROW}]"), &["--output", "/dev/null"]);
    let hundredths = started.elapsed().as_millis() / 10;
    let replicas = eventually("nginx logs every request", || {
        let logs = ask(Command::new("docker").args(["logs", &container(stack)]));
        let lines = logs.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let is_one = |line: &Value| line["path"].to_string().contains(&format!("/{name}/"));
        let asked: Vec<_> = lines.filter(is_one).map(|line| line["upstream"].clone()).collect();
        (asked.len() == IN_A_ROW).then_some(asked)
    });
    let changes = replicas.windows(2).filter(|pair| pair[0] != pair[1]).count();
    (changes, usize::try_from(hundredths).expect("not that long"))
}
