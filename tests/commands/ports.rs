//! A port that somebody has already.

use std::net::TcpListener;

use crate::harness::{Checkout, Engine, Running, Stack, ask, free_port, run};
use crate::reload::server;

/// Stops the stack and listens in its API's place.
fn take_api_port(stack: &Stack) -> (u16, TcpListener) {
    run(&mut stack.xtask("down")).succeeded();
    let port = stack.environment["API_PORT"].parse().expect("a port");
    (port, TcpListener::bind(("127.0.0.1", port)).expect("the port is free now"))
}

pub(crate) fn a_taken_port_is_left_to_its_owner_who_is_named(stack: &Stack) {
    let (wanted, owner) = take_api_port(stack);
    let next = format!("http://localhost:{}", wanted + 1);
    stack
        .up()
        .says(format!("port {wanted} is taken by "))
        .says(format!("(process {})", std::process::id()))
        .says("API_PORT")
        .says(&next);
    assert_eq!(stack.status()["api"], next);
    run(&mut stack.xtask("status")).succeeded().says(&next);

    drop(owner);
    run(&mut stack.xtask("down")).succeeded();
    stack.up().never_says(&next);
}

pub(crate) fn a_strict_up_names_who_has_the_port_and_starts_nothing(stack: &Stack) {
    let mut other = Checkout::new(stack.engine);
    other.environment.insert("API_PORT", stack.environment["API_PORT"].clone());
    let owners = match stack.engine {
        Engine::Docker => {
            vec![format!("the container {}-api-1", stack.variable("COMPOSE_PROJECT_NAME"))]
        }
        // The supervisor and its server both have it.
        Engine::Local => vec![
            format!("dev-server (process {})", stack.identity("api")),
            format!("api (process {})", server(stack)),
        ],
    };
    let refused = run(&mut other.xtask("up --strict-ports")).failed().says("API_PORT");
    assert!(owners.iter().any(|owner| refused.stderr.contains(owner)), "{}", refused.stderr);
    run(&mut other.xtask("status")).succeeded().says("no stack is running");
    assert_eq!(other.processes(), [""; 0]);
    if stack.engine == Engine::Docker {
        assert_eq!(other.docker_has("container"), [""; 0]);
    }
}

pub(crate) fn a_strict_up_does_not_stay_on_another_port(stack: &Stack) {
    let (wanted, owner) = take_api_port(stack);
    let [asked_for, next] = [wanted, wanted + 1].map(|port| format!("http://localhost:{port}"));
    stack.up().says(&next);
    run(&mut stack.xtask("up --strict-ports"))
        .failed()
        .says(format!("(process {})", std::process::id()));
    assert_eq!(stack.status()["api"], next);
    assert_eq!(stack.status()["ready"], true);

    drop(owner);
    run(&mut stack.xtask("up --strict-ports")).succeeded();
    assert_eq!(stack.status()["api"], asked_for);
}

pub(crate) fn a_port_that_is_taken_while_up_is_at_work_is_left_to_its_owner(stack: &Stack) {
    run(&mut stack.xtask("down")).succeeded();
    let wanted: u16 = stack.environment["API_PORT"].parse().expect("a port");
    // The build takes a while, and the API starts after it.
    let edit = stack.edit("crates/config/src/lib.rs", |text| format!("{text}// changed\n"));
    let mut up = Running::start(&mut stack.xtask("up"), "");
    up.wait_for("database ");
    let owner = TcpListener::bind(("127.0.0.1", wanted)).expect("the port is free now");
    up.end()
        .succeeded()
        .says(format!("port {wanted} is taken by "))
        .says(format!("http://localhost:{}", wanted + 1));
    assert_eq!(stack.status()["ready"], true);

    drop((owner, edit));
    run(&mut stack.xtask("down")).succeeded();
    stack.up();
}

pub(crate) fn other_ports_in_the_settings_are_used_by_the_next_up(stack: &Stack) {
    let (api, postgres) = (free_port().to_string(), free_port().to_string());
    let url = format!("http://localhost:{api}");
    run(stack.xtask("up").env("API_PORT", &api).env("POSTGRES_PORT", &postgres))
        .succeeded()
        .says(&url)
        .says(format!("localhost:{postgres}/"));
    let status = stack.status();
    assert_eq!(status["ready"], true);
    assert_eq!(status["api"], url);
    assert_eq!(ask(stack.xtask("psql -- -At -c").arg("SELECT 1")), "1");
    assert!(stack.try_get("/health/live").is_err(), "the old port still answers");

    stack.up().never_says(&url);
    assert_eq!(stack.status()["ready"], true);
}
