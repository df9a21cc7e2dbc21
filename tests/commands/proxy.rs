//! nginx in front of the replicas of the production stack.

use std::process::Command;

use crate::{
    harness::{Stack, ask, docker_inspect, run},
    production::call,
};

/// There are three replicas of the release `second`.
pub(crate) fn nginx_outlives_restarts_and_mistakes(stack: &Stack) {
    started_again_it_serves(stack);
    what_it_does_not_take_changes_nothing(stack);
    a_new_certificate_is_served_at_once(stack);
}

fn container(stack: &Stack) -> String {
    format!("{}-nginx-1", stack.variable("COMPOSE_PROJECT_NAME"))
}

/// As after the machine was.
fn started_again_it_serves(stack: &Stack) {
    ask(Command::new("docker").args(["restart", &container(stack)]));
    serves(stack);
}

/// The restart of a container leaves a moment in which nobody listens.
fn serves(stack: &Stack) {
    let options = ["--retry", "20", "--retry-delay", "1", "--retry-all-errors"];
    assert_eq!(call(stack, "/health/ready", &options).0, 200);
}

fn what_it_does_not_take_changes_nothing(stack: &Stack) {
    let before = docker_inspect(&container(stack), "{{.Id}}");
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
    let deploy = |certificate: &str, key: &str| {
        let mut deploy = stack.xtask("deploy --tag second");
        deploy.env("TLS_CERTIFICATE_FILE", format!(".slipway/{certificate}.pem"));
        run(deploy.env("TLS_KEY_FILE", format!(".slipway/{key}.key")))
    };
    let before = docker_inspect(&container(stack), "{{.State.StartedAt}}");
    deploy("one", "another").failed().says("TLS_KEY_FILE").says("mismatch");
    for name in ["one", "another"] {
        deploy(name, name).succeeded();
        let brought = stack.read(".slipway/secrets/tls_certificate");
        assert_eq!(brought, stack.read(&format!(".slipway/{name}.pem")));
        // Trusted is the one that was brought, alone.
        assert_eq!(call(stack, "/health/ready", &[]).0, 200);
    }
    assert_eq!(docker_inspect(&container(stack), "{{.State.StartedAt}}"), before);
}
