//! Two checkouts on one machine, and two commands in one checkout.

use serde_json::Value;

use crate::harness::{Checkout, Running, Stack, ask, run};

pub(crate) fn two_checkouts_share_nothing(stack: &Stack) {
    let mut other = Checkout::new(stack.engine);
    // Both checkouts request the same ports, as two checkouts with default settings do.
    other.environment.clone_from(&stack.environment);
    run(&mut other.xtask("up")).succeeded();

    for variable in ["COMPOSE_PROJECT_NAME", "POSTGRES_PASSWORD"] {
        assert_ne!(other.variable(variable), stack.variable(variable), "{variable}");
    }
    stack.create_person("Of One Checkout");
    let count = "SELECT count(*) FROM persons WHERE name = 'Of One Checkout'";
    assert_eq!(ask(other.xtask("psql -- -At -c").arg(count)), "0");
    assert_eq!(ask(stack.xtask("psql -- -At -c").arg(count)), "1");

    let all = ask(&mut other.xtask("status --all --json"));
    let all: Vec<Value> = serde_json::from_str(&all).expect("JSON");
    let ports = [&stack.root, &other.root].map(|root| {
        let listed = all.iter().find(|it| it["root"] == root.to_str().expect("UTF-8"));
        let listed = listed.unwrap_or_else(|| panic!("{} is not listed: {all:?}", root.display()));
        assert_eq!(listed["state"], "ready", "{listed}");
        listed["api"].to_string()
    });
    assert_ne!(ports[0], ports[1]);

    let before = ["api", "postgres"].map(|service| stack.identity(service));
    run(&mut other.xtask("down --volumes --yes")).succeeded();
    assert_eq!(["api", "postgres"].map(|service| stack.identity(service)), before);
    assert!(stack.has_person("Of One Checkout"));
}

pub(crate) fn a_second_up_waits_for_the_first(stack: &Stack) {
    run(&mut stack.xtask("down")).succeeded();
    let edit = stack.edit("crates/config/src/lib.rs", |text| format!("{text}// changed\n"));
    let mut first = Running::start(&mut stack.xtask("up"), "");
    first.wait_for("database ");
    let mut second = Running::start(&mut stack.xtask("up"), "");
    second.wait_for("another command is running on this stack");
    first.end().succeeded().prints("the stack is up (");
    second.end().succeeded().prints("already up, and nothing changed");

    drop(edit);
    stack.up();
}
