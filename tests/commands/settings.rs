//! Invalid values in `.env`.

use crate::harness::{Checkout, Stack, ask, run};

/// Returns a copy that reads its settings only from `.env`.
fn checkout(stack: &Stack) -> Checkout {
    let mut checkout = Checkout::new(stack.engine);
    checkout.environment.clear();
    checkout
}

pub(crate) fn all_invalid_settings_are_reported_at_once(stack: &Stack) {
    let checkout = checkout(stack);
    let wrong = "ENGINE=podman\nAPP_ENV=staging\nAPI_PORT=99999\nPOSTGRES_PORT=none\n\
        POSTGRES_PASSWORD=secret/1\nBACKUP_TARGET=bucket\n";
    let _env = checkout.edit(".env", |_| wrong.to_owned());
    let mut ran = run(&mut checkout.xtask("up")).failed().never_prints("secret/1");
    for line in wrong.lines() {
        let (name, _) = line.split_once('=').expect("name and value");
        ran = ran.prints(name);
    }
    ran.prints("BACKUP_TARGET needs BACKUP_AGE_RECIPIENT");
    assert!(!checkout.root.join(".slipway/state.json").exists(), "a service was started");
    for command in ["status", "down", "logs", "restart"] {
        run(&mut checkout.xtask(command)).failed().prints("APP_ENV");
    }
}

pub(crate) fn a_malformed_line_is_reported(stack: &Stack) {
    let checkout = checkout(stack);
    for line in [
        "this is not a setting",
        "POSTGRES_PASSWORD=secret with spaces",
        "POSTGRES_PASSWORD=secret$with",
        "POSTGRES_PASSWORD=\"secret with spaces\nAPI_PORT=1\"",
        "API_PORT=${MY_PORT:-5099}",
        "API_PORT=5000\r",
    ] {
        let _env = checkout.edit(".env", |_| format!("APP_ENV=dev\n{line}\n"));
        run(&mut checkout.xtask("up")).failed().prints("line 2 of .env").never_prints("secret");
        assert!(!checkout.root.join(".slipway/state.json").exists(), "something was started");
    }
}

pub(crate) fn a_wrong_database_password_is_explained(stack: &Stack) {
    stack.create_person("Outlives A Wrong Password");
    let env = stack
        .edit(".env", |text| text.replace(&stack.variable("POSTGRES_PASSWORD"), "anotherpassword"));
    run(&mut stack.xtask("up")).failed().prints("it was created with");
    drop(env);
    stack.up();
    assert!(stack.has_person("Outlives A Wrong Password"));
}

/// Compares `.env` as `cargo xtask` reads it with the same file as Compose reads it.
pub(crate) fn both_engines_read_the_same_values(stack: &Stack) {
    let name = "OTEL_SERVICE_NAME";
    let with = |value: &str| stack.edit(".env", |text| format!("{text}\n{value}\n"));
    for line in [
        "OTEL_SERVICE_NAME=plain",
        "export OTEL_SERVICE_NAME = spaced",
        "OTEL_SERVICE_NAME=a#b # comment",
        "OTEL_SERVICE_NAME='a $b #c' # comment",
        "OTEL_SERVICE_NAME=\"a 'b' #c\"",
        "OTEL_SERVICE_NAME=x=y&z?ü",
    ] {
        let _env = with(line);
        let local = ask(&mut stack.xtask(&format!("exec api -- printenv {name}")));
        let config = "compose --project-directory . config --format json";
        let mut docker = stack.command("docker");
        let config = ask(docker.args(config.split(' ')));
        let config: serde_json::Value = serde_json::from_str(&config).expect("JSON");
        // Compose escapes $ in its output.
        let docker = &config["services"]["api"]["environment"][name];
        assert_eq!(docker, local.replace('$', "$$").as_str(), "{line}");
    }
    for line in ["OTEL_SERVICE_NAME=a$b", "OTEL_SERVICE_NAME=a b", "OTEL_SERVICE_NAME=\"a\\nb\""] {
        let _env = with(line);
        let number = stack.read(".env").lines().position(|known| known == line).expect("a line");
        let place = format!("line {} of .env is invalid: {name}", number + 1);
        run(&mut stack.xtask("exec api -- true")).failed().prints(place);
    }
}
