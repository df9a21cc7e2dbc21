//! The release build in the production profile.

use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Engine, Stack, ask, docker_inspect, run};

pub(crate) fn production_has_no_developer_comforts_and_drops_nothing(stack: &Stack) {
    stack.create_person("Seen By Both Profiles");
    run(&mut stack.xtask("up --production")).succeeded().says("production");
    assert_eq!(stack.get("/").0, 404);
    development_tokens_are_refused_and_a_command_makes_the_admin(stack);
    assert!(stack.has_person("Seen By Both Profiles"));
    assert_eq!(stack.status()["profile"], "production");
    for command in ["recreate-db --yes", "seed"] {
        run(&mut stack.xtask(command)).failed().says("production").says("refused");
    }
    assert!(stack.has_person("Seen By Both Profiles"));
    if stack.engine == Engine::Docker {
        the_container_can_do_nothing_but_serve(stack);
    }

    stack.up();
    assert_eq!(stack.status()["profile"], "dev");
    assert!(stack.page("/").contains("<dd>dev</dd>"));
    assert!(stack.has_person("Seen By Both Profiles"));
}

fn development_tokens_are_refused_and_a_command_makes_the_admin(stack: &Stack) {
    assert_eq!(stack.get("/persons").0, 401);
    run(&mut stack.xtask("token")).failed().says("production").says("refused");
    let email = "root@example.com";
    let said = ask(stack.xtask("create-admin --email").arg(email));
    let password = said.lines().last().expect("a line");
    let body = json!({ "email": email, "password": password });
    let sessions = stack.url("/sessions");
    let session = stack.send(&|client| client.post(&sessions).json(&body)).expect("an answer");
    let session: Value = session.json().expect("JSON");
    stack.use_token(session["token"].as_str().expect("a string"));
}

fn the_container_can_do_nothing_but_serve(stack: &Stack) {
    let container = format!("{}-api-1", stack.variable("COMPOSE_PROJECT_NAME"));
    for (property, value) in [
        ("{{.Config.User}}", "65532:65532"),
        ("{{.HostConfig.ReadonlyRootfs}}", "true"),
        ("{{.HostConfig.Privileged}}", "false"),
        ("{{.HostConfig.CapAdd}}", "[]"),
        ("{{.HostConfig.CapDrop}}", "[ALL]"),
        ("{{.HostConfig.SecurityOpt}}", "[no-new-privileges:true]"),
        ("{{.Mounts}}", "[]"),
    ] {
        assert_eq!(docker_inspect(&container, property), value, "{property}");
    }
    let image = docker_inspect(&container, "{{.Image}}");
    let history = ["history", "--no-trunc", "--format", "{{.CreatedBy}}", &image];
    let history = ask(Command::new("docker").args(history));
    let told = docker_inspect(&image, "{{json .}}") + &history;
    assert!(!told.contains(&stack.variable("POSTGRES_PASSWORD")), "the image has the password");
}
