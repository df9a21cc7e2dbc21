//! Machines whose Docker is missing, stopped, hanging or outdated.

use std::{env, fs, os::unix, path::Path, process::Command};

use tempfile::TempDir;

use crate::harness::{Checkout, Engine, Stack, run};

/// Returns a copy that chooses its engine automatically.
fn undecided() -> Checkout {
    let mut checkout = Checkout::new(Engine::Local);
    checkout.environment.insert("ENGINE", "auto".to_owned());
    checkout
}

pub(crate) fn the_local_engine_is_used_if_docker_is_unusable(_: &Stack) {
    let checkout = undecided();
    let (without, hanging) = (path_without("docker"), fake_docker("exec sleep 600"));
    let hanging = first_in_path(hanging.path());
    for (variable, value, why) in [
        ("PATH", without.path().to_str().expect("UTF-8"), "docker is not installed"),
        ("PATH", &hanging, "the Docker engine does not respond"),
        ("DOCKER_HOST", "unix:///nowhere/docker.sock", "the Docker engine cannot be used"),
    ] {
        let up = |up: &mut Command| run(up.env(variable, value)).succeeded();
        up(&mut checkout.xtask("up")).prints("Engine     local").prints(why);
        up(&mut checkout.xtask("down"));
    }
}

pub(crate) fn a_requested_but_stopped_docker_is_an_error(_: &Stack) {
    let mut up = Checkout::new(Engine::Docker);
    up.environment.insert("DOCKER_HOST", "unix:///nowhere/docker.sock".to_owned());
    run(&mut up.xtask("up --engine docker")).failed().prints("cannot use Docker").prints("nowhere");
    // Without `.env`, dropping the checkout does not run Docker.
    fs::remove_file(up.root.join(".env")).expect(".env");
}

pub(crate) fn an_old_compose_is_reported_with_the_required_version(_: &Stack) {
    // Simulates a slow Docker. `up` must wait for Docker if `--engine docker` was given.
    let docker = fake_docker("case $1 in compose) sleep 4; echo v2.19.1;; *) echo 26.1.5;; esac");
    let checkout = Checkout::new(Engine::Docker);
    run(checkout.xtask("up").env("PATH", first_in_path(docker.path())))
        .failed()
        .prints("Compose is v2.19.1")
        .prints("2.20");
    fs::remove_file(checkout.root.join(".env")).expect(".env");
}

pub(crate) fn a_missing_engine_is_reported_with_install_options(_: &Stack) {
    let nothing = TempDir::new().expect("a folder");
    let checkout = undecided();
    run(checkout.xtask("up").env("PATH", nothing.path()).env("PG_BIN", nothing.path()))
        .failed()
        .prints("docker is not installed")
        .prints("Install Docker")
        .prints("PG_BIN");
    fs::remove_file(checkout.root.join(".env")).expect(".env");
}

/// Returns a folder with all programs of PATH except one.
pub(crate) fn path_without(program: &str) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    for place in env::split_paths(&env::var_os("PATH").expect("PATH")) {
        for entry in fs::read_dir(place).into_iter().flatten().flatten() {
            if entry.file_name() != program {
                // An existing link is kept, because the first match in PATH has precedence.
                let _ = unix::fs::symlink(entry.path(), folder.path().join(entry.file_name()));
            }
        }
    }
    folder
}

/// Returns a folder with a program `docker` that runs a line of shell.
fn fake_docker(line: &str) -> TempDir {
    fake_program("docker", line)
}

/// Returns a folder with a program that runs a line of shell.
pub(crate) fn fake_program(name: &str, line: &str) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    let program = folder.path().join(name);
    fs::write(&program, format!("#!/bin/sh\n{line}\n")).expect("a file");
    fs::set_permissions(&program, unix::fs::PermissionsExt::from_mode(0o755)).expect("a mode");
    folder
}

pub(crate) fn first_in_path(folder: &Path) -> String {
    format!("{}:{}", folder.display(), env::var("PATH").expect("PATH"))
}
