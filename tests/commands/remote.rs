//! Operations on a server over SSH, and the rotation of secrets. The server is the Docker engine of this machine, which
//! a fake `ssh` connects to.

use std::{
    fs,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use crate::{
    engine_choice::{fake_program, first_in_path},
    harness::{Stack, ask, docker_inspect, eventually, run},
    production::{call, log_in, plain_port, replicas},
};

const HOST: &str = "ssh://operator@server.example.com";

/// Acts like `ssh SERVER docker system dial-stdio`.
const SSH: &str = r#"echo "$@" >>"$0.log"; unset DOCKER_HOST; exec docker system dial-stdio"#;

/// Needs a deployed release with a running backup service.
pub(crate) fn check_operations(stack: &Stack) {
    let ssh = fake_program("ssh", SSH);
    let _folder = ServerFolder::new(stack);
    let remote = |command: &str, rest: &str| {
        let mut xtask = stack.xtask(&format!("{command} --host {HOST} {rest}"));
        xtask.env("PATH", first_in_path(ssh.path()));
        xtask
    };
    let log = || fs::read_to_string(ssh.path().join("ssh.log")).unwrap_or_default();

    let output = ask(&mut remote("create-admin", "--email remote@example.com"));
    let token = log_in(stack, "remote@example.com", output.lines().last().expect("a line"));
    let status = || call(stack, "/persons", &["--header", &bearer(&token)]).0;
    assert_eq!(status(), 200);
    assert!(log().contains("server.example.com"), "the command did not use the host");

    let count = "SELECT count(*) FROM accounts WHERE email = 'remote@example.com'";
    assert_eq!(ask(remote("psql", "-- -At -c").arg(count)), "1");
    let delete = "DELETE FROM persons WHERE false";
    run(remote("psql", "-- -c").arg(delete)).failed().prints("read-only transaction");
    run(stack.xtask("psql -- -c").arg(delete)).failed().prints("read-only transaction");
    run(remote("psql", "--write -- -c").arg(delete)).succeeded().prints("DELETE 0");

    run(&mut remote("token revoke", "--email remote@example.com")).failed().prints(HOST);
    run(&mut remote("token revoke", "--email unknown@example.com --yes"))
        .failed()
        .prints("unknown");
    run(&mut remote("token revoke", "--email remote@example.com --yes"))
        .succeeded()
        .prints("revoked 1 ");
    eventually("the token is rejected", || (status() == 401).then_some(()));

    run(&mut remote("db backup", "")).succeeded().prints("with the same rows");
    run(&mut remote("db restore-drill", "")).succeeded().prints("with the same rows");
    check_load(stack, &remote);
    check_losses_are_refused(stack);
}

/// The folder that a server has for the stack. Here it leads to the secrets in the checkout.
struct ServerFolder {
    name: String,
    image: String,
}

impl ServerFolder {
    fn new(stack: &Stack) -> Self {
        let name = stack.variable("COMPOSE_PROJECT_NAME");
        let nginx = format!("{name}-nginx-1");
        let folder = Self { image: docker_inspect(&nginx, "{{.Config.Image}}"), name };
        let secrets = stack.root.join(".slipway/secrets");
        folder.run(&format!("mkdir \"$0\" && ln -s '{}' \"$0/secrets\"", secrets.display()));
        folder
    }

    fn run(&self, script: &str) {
        let mut docker = Command::new("docker");
        docker.args([
            "run",
            "--rm",
            "--user",
            "0",
            "--volume",
            "/var/lib:/server",
            "--workdir",
            "/server",
        ]);
        ask(docker.args(["--entrypoint", "sh", &self.image, "-euc", script, &self.name]));
    }
}

impl Drop for ServerFolder {
    fn drop(&mut self) {
        self.run("rm -r \"$0\"");
    }
}

fn check_load(stack: &Stack, remote: &dyn Fn(&str, &str) -> Command) {
    let backup = format!("{}-backup-1", stack.variable("COMPOSE_PROJECT_NAME"));
    let script = "cat \"$(ls -d /backups/*Z | tail -n 1)/database.dump\"";
    let copy = format!("docker exec {backup} sh -c '{script}' >remote.dump");
    run(stack.command("sh").args(["-c", &copy])).succeeded();
    let database = stack.variable("POSTGRES_DB");
    run(&mut remote("db load remote.dump", ""))
        .failed()
        .prints(format!("replaces the database {database} and all its rows on {HOST}"))
        .prints("--yes");
    run(&mut stack.xtask("db load remote.dump --yes")).failed().prints("pass --production");
    run(&mut remote("db load remote.dump", "--yes --no-snapshot")).succeeded();
    fs::remove_file(stack.root.join("remote.dump")).expect("the file just written");
}

/// Commands that remove data need `--production` in production.
fn check_losses_are_refused(stack: &Stack) {
    for (command, what) in [
        ("migrate down --no-snapshot --yes", "No copy is kept"),
        ("db snapshot restore --yes", "replaces the production database"),
        ("down --volumes --yes", "removes the database"),
        ("token revoke --all --yes", "revokes all sessions"),
    ] {
        run(&mut stack.xtask(command)).failed().prints(what).prints("pass --production");
    }
    run(&mut stack.xtask("migrate down --production --no-snapshot")).failed().prints("--yes");
    check_other_data_is_refused(stack);
    assert_eq!(call(stack, "/health/ready", &[]).0, 200);
}

/// A deployment must not start PostgreSQL with another volume or another major version.
fn check_other_data_is_refused(stack: &Stack) {
    let deploy = |name: &str, value: &str| run(stack.xtask("deploy --tag second").env(name, value));
    deploy("POSTGRES_VOLUME", "other").failed().prints("but .env selects other");
    let project = stack.variable("COMPOSE_PROJECT_NAME");
    let (image, postgres) = (format!("{project}-newer"), format!("{project}-postgres-1"));
    let script = format!(
        "docker build --quiet --tag {image} - <<'END'\n\
         FROM {}\n\
         USER root\n\
         RUN rm -f /usr/local/bin/postgres \
         && printf '%s\\n' '#!/bin/sh' 'echo \"postgres (PostgreSQL) 99.0\"' >/usr/local/bin/postgres \
         && chmod +x /usr/local/bin/postgres\n\
         END",
        docker_inspect(&postgres, "{{.Config.Image}}")
    );
    ask(stack.command("sh").args(["-c", &script]));
    deploy("POSTGRES_IMAGE", &image).failed().prints("but POSTGRES_IMAGE in .env is PostgreSQL 99");
    ask(Command::new("docker").args(["image", "rm", "--force", &image]));
}

/// Rotates all secrets while clients send requests.
pub(crate) fn check_rotation(stack: &Stack, token: &str) {
    let nginx = format!("{}-nginx-1", stack.variable("COMPOSE_PROJECT_NAME"));
    let (before, started) = (replicas(stack), docker_inspect(&nginx, "{{.State.StartedAt}}"));
    let password = stack.variable("POSTGRES_PASSWORD");
    let certificate = stack.read(".slipway/secrets/tls_certificate");
    under_load(stack, token, || {
        run(&mut stack.xtask("secrets rotate database-passwords")).succeeded();
        run(&mut stack.xtask("secrets rotate certificate")).succeeded();
    });
    assert_ne!(stack.variable("POSTGRES_PASSWORD"), password);
    assert!(
        stack.read(".slipway/secrets/database_url").contains(&stack.variable("POSTGRES_PASSWORD"))
    );
    assert_ne!(stack.read(".slipway/secrets/tls_certificate"), certificate);

    // Further connections of the API need the new password.
    let end =
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'store'";
    ask(stack.xtask("psql --write -- -c").arg(end));
    eventually("the API opens connections with the new password", || {
        (call(stack, "/health/ready", &[]).0 == 200).then_some(())
    });
    under_load(stack, token, || {});
    run(&mut stack.xtask("db backup")).succeeded();
    assert_eq!(replicas(stack), before, "a replica was replaced");
    assert_eq!(docker_inspect(&nginx, "{{.State.StartedAt}}"), started);
}

/// Sends requests until `work` is done, each process of curl with another connection. All requests must succeed.
fn under_load(stack: &Stack, token: &str, work: impl FnOnce()) {
    let is_done = AtomicBool::new(false);
    let url = format!("https://localhost:{}/persons?limit=[1-20]", plain_port(stack) + 443);
    let send = || {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--insecure", "--max-time", "20"]);
        curl.args(["--output", "/dev/null", "--write-out", "%{http_code}\n"]);
        let statuses = ask(curl.args(["--header", &bearer(token), &url]));
        assert!(statuses.lines().all(|status| status == "200"), "{statuses}");
    };
    thread::scope(|scope| {
        let load = scope.spawn(|| {
            send();
            while !is_done.load(Ordering::Relaxed) {
                send();
            }
        });
        work();
        is_done.store(true, Ordering::Relaxed);
        load.join().expect("every request succeeds");
    });
}

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}")
}
