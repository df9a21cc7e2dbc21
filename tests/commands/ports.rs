//! Ports that another process uses.

use std::net::TcpListener;

use crate::harness::{Checkout, Engine, Running, Stack, ask, free_port, run};
use crate::reload::server;

/// Stops the stack and listens on the port of its API.
fn take_api_port(stack: &Stack) -> (u16, TcpListener) {
    run(&mut stack.xtask("down")).succeeded();
    let port = stack.environment["API_PORT"].parse().expect("a port");
    (port, TcpListener::bind(("127.0.0.1", port)).expect("a free port"))
}

pub(crate) fn up_reports_the_owner_of_a_taken_port_and_uses_another(stack: &Stack) {
    let (wanted, owner) = take_api_port(stack);
    let next = format!("http://localhost:{}", wanted + 1);
    stack
        .up()
        .prints(format!("port {wanted} is taken by "))
        .prints(format!("(process {})", std::process::id()))
        .prints("API_PORT")
        .prints(&next);
    assert_eq!(stack.status()["api"], next);
    run(&mut stack.xtask("status")).succeeded().prints(&next);

    drop(owner);
    run(&mut stack.xtask("down")).succeeded();
    stack.up().never_prints(&next);
}

pub(crate) fn up_strict_reports_the_owner_of_a_taken_port_and_fails(stack: &Stack) {
    let mut other = Checkout::new(stack.engine);
    other.environment.insert("API_PORT", stack.environment["API_PORT"].clone());
    let owners = match stack.engine {
        Engine::Docker => {
            vec![format!("the container {}-api-1", stack.variable("COMPOSE_PROJECT_NAME"))]
        }
        // Two processes listen on the port of the API: the development server and the API that it started.
        Engine::Local => vec![
            format!("dev-server (process {})", stack.identity("api")),
            format!("api (process {})", server(stack)),
        ],
    };
    let strict = run(&mut other.xtask("up --strict-ports")).failed().prints("API_PORT");
    assert!(owners.iter().any(|owner| strict.stderr.contains(owner)), "{}", strict.stderr);
    run(&mut other.xtask("status")).succeeded().prints("no stack is running");
    assert_eq!(other.processes(), [""; 0]);
    if stack.engine == Engine::Docker {
        assert_eq!(other.docker_has("container"), [""; 0]);
    }
}

pub(crate) fn up_strict_moves_back_to_the_configured_port(stack: &Stack) {
    let (wanted, owner) = take_api_port(stack);
    let [asked_for, next] = [wanted, wanted + 1].map(|port| format!("http://localhost:{port}"));
    stack.up().prints(&next);
    run(&mut stack.xtask("up --strict-ports"))
        .failed()
        .prints(format!("(process {})", std::process::id()));
    assert_eq!(stack.status()["api"], next);
    assert_eq!(stack.status()["ready"], true);

    drop(owner);
    run(&mut stack.xtask("up --strict-ports")).succeeded();
    assert_eq!(stack.status()["api"], asked_for);
}

pub(crate) fn up_uses_another_port_if_its_port_is_taken_during_the_build(stack: &Stack) {
    run(&mut stack.xtask("down")).succeeded();
    let wanted: u16 = stack.environment["API_PORT"].parse().expect("a port");
    // The edit causes a build, so that the start of the API takes long enough for the next step.
    let edit = stack.edit("crates/config/src/lib.rs", |text| format!("{text}// changed\n"));
    let mut up = Running::start(&mut stack.xtask("up"), "");
    up.wait_for("database ");
    let owner = TcpListener::bind(("127.0.0.1", wanted)).expect("a free port");
    up.end()
        .succeeded()
        .prints(format!("port {wanted} is taken by "))
        .prints(format!("http://localhost:{}", wanted + 1));
    assert_eq!(stack.status()["ready"], true);

    drop((owner, edit));
    run(&mut stack.xtask("down")).succeeded();
    stack.up();
}

pub(crate) fn up_applies_changed_ports(stack: &Stack) {
    let (api, postgres) = (free_port().to_string(), free_port().to_string());
    let url = format!("http://localhost:{api}");
    run(stack.xtask("up").env("API_PORT", &api).env("POSTGRES_PORT", &postgres))
        .succeeded()
        .prints(&url)
        .prints(format!("127.0.0.1:{postgres}/"));
    let status = stack.status();
    assert_eq!(status["ready"], true);
    assert_eq!(status["api"], url);
    assert_eq!(ask(stack.xtask("psql -- -At -c").arg("SELECT 1")), "1");
    assert!(stack.try_get("/health/live").is_err(), "the old port still responds");

    stack.up().never_prints(&url);
    assert_eq!(stack.status()["ready"], true);
}
