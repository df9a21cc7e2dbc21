//! nginx in front of the replicas of the production stack.

use std::{fs, process::Command, time::Instant};

use serde_json::Value;

use crate::{
    harness::{Ran, Stack, ask, docker_inspect, eventually, run},
    production::call,
};

/// The number of sequential requests.
const REQUESTS: usize = 400;

/// This check needs three replicas of the release `second`.
pub(crate) fn check_nginx(stack: &Stack) {
    check_restart(stack);
    check_invalid_configuration_changes_nothing(stack);
    check_new_certificate(stack);
    check_crashing_nginx_is_replaced(stack);
    check_balancing(stack);
}

fn container(stack: &Stack) -> String {
    format!("{}-nginx-1", stack.variable("COMPOSE_PROJECT_NAME"))
}

/// Restarts the container, as after a reboot.
fn check_restart(stack: &Stack) {
    ask(Command::new("docker").args(["restart", &container(stack)]));
    // curl retries, because nothing listens on the port for a moment.
    let options = ["--retry", "20", "--retry-delay", "1", "--retry-all-errors"];
    assert_eq!(call(stack, "/health/ready", &options).0, 200);
}

fn check_invalid_configuration_changes_nothing(stack: &Stack) {
    let before = docker_inspect(&container(stack), "{{.Id}}");
    let mut deploy = stack.xtask("deploy --tag second");
    run(deploy.env("PROXY_BALANCE", "random")).failed().prints("invalid PROXY_BALANCE random");
    let _configuration =
        stack.edit("docker/nginx/nginx.conf", |text| text.replace("gzip on;", "gzip"));
    run(&mut stack.xtask("deploy --tag second")).failed().prints("directive").prints("nginx.conf");
    assert_eq!(docker_inspect(&container(stack), "{{.Id}}"), before);
    assert_eq!(call(stack, "/health/ready", &[]).0, 200);
}

fn check_new_certificate(stack: &Stack) {
    for name in ["one", "another"] {
        let script = format!(
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost \
             -addext subjectAltName=DNS:localhost -keyout .slipway/{name}.key -out .slipway/{name}.pem"
        );
        run(stack.command("sh").args(["-c", &script])).succeeded();
    }
    let before = docker_inspect(&container(stack), "{{.State.StartedAt}}");
    deploy_with(stack, "one", "another").failed().prints("TLS_KEY_FILE").prints("mismatch");
    for name in ["one", "another"] {
        deploy_with(stack, name, name).succeeded();
        let brought = stack.read(".slipway/secrets/tls_certificate");
        assert_eq!(brought, stack.read(&format!(".slipway/{name}.pem")));
        // This request fails if nginx still uses the old certificate, because curl trusts only the new one.
        assert_eq!(call(stack, "/health/ready", &[]).0, 200);
    }
    assert_eq!(docker_inspect(&container(stack), "{{.State.StartedAt}}"), before);
    // The certificate is valid for one day.
    run(&mut stack.xtask("status --production")).ended_with(1).prints("✘ certificate: expires");
}

fn deploy_with(stack: &Stack, certificate: &str, key: &str) -> Ran {
    let mut deploy = stack.xtask("deploy --tag second");
    deploy.env("TLS_CERTIFICATE_FILE", format!(".slipway/{certificate}.pem"));
    run(deploy.env("TLS_KEY_FILE", format!(".slipway/{key}.key")))
}

fn check_crashing_nginx_is_replaced(stack: &Stack) {
    let certificate = ".slipway/secrets/tls_certificate";
    fs::remove_file(stack.root.join(certificate)).expect("the certificate");
    stack.write(certificate, "none");
    ask(Command::new("docker").args(["restart", &container(stack)]));
    eventually("nginx does not start", || {
        (docker_inspect(&container(stack), "{{.State.Status}}") == "restarting").then_some(())
    });
    run(&mut stack.xtask("deploy --tag second")).failed().prints("nginx would not start");
    deploy_with(stack, "one", "one").succeeded();
    assert_eq!(call(stack, "/health/ready", &[]).0, 200);
}

fn check_balancing(stack: &Stack) {
    let (changes, hundredths) = changes_of_replica(stack, "slices");
    assert!(changes > 0, "all requests went to one replica");
    assert!(changes <= hundredths + 1, "{changes} changes in {hundredths} hundredths of a second");

    let mut deploy = stack.xtask("deploy --tag second");
    run(deploy.env("PROXY_BALANCE", "round_robin")).succeeded().prints("connections were closed");
    let (changes, _) = changes_of_replica(stack, "turns");
    assert!(changes * 2 > REQUESTS, "{changes} changes in {REQUESTS} requests");
    run(&mut stack.xtask("deploy --tag second")).succeeded();
}

/// Returns how often the replica changed between two requests, and the total time in hundredths of a second.
fn changes_of_replica(stack: &Stack, name: &str) -> (usize, usize) {
    let started = Instant::now();
    call(stack, &format!("/{name}/[1-{REQUESTS}]"), &["--output", "/dev/null"]);
    let hundredths = started.elapsed().as_millis() / 10;
    let replicas = eventually("nginx logs every request", || {
        let logs = ask(Command::new("docker").args(["logs", &container(stack)]));
        let lines = logs.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let is_one = |line: &Value| line["path"].to_string().contains(&format!("/{name}/"));
        let asked: Vec<_> = lines.filter(is_one).map(|line| line["upstream"].clone()).collect();
        (asked.len() == REQUESTS).then_some(asked)
    });
    let changes = replicas.windows(2).filter(|pair| pair[0] != pair[1]).count();
    (changes, usize::try_from(hundredths).expect("a short time"))
}
