//! Machines whose Docker is missing, stopped, hanging, outdated, or remote.

use std::{
    fs::{self, Permissions},
    os::unix::{fs::PermissionsExt, net::UnixListener},
    process::Command,
};

use tempfile::TempDir;

use super::{Copy, Diagnosis};
use crate::{
    engine_choice::{fake_program, first_in_path, path_without},
    harness::{Stack, ask},
};

/// Returns a copy that must use Docker.
fn copy() -> Copy {
    let mut copy = Copy::new();
    copy.environment.insert("ENGINE", "docker".to_owned());
    copy
}

pub(crate) fn docker_problems_are_reported(_: &Stack) {
    let copy = copy();
    let without = path_without("docker");
    let mut doctor = copy.xtask("doctor --json");
    Diagnosis::of(doctor.env("PATH", without.path())).finds("docker", "not installed");

    let good = "version) echo 26.1.5;; info) echo '8000000000 /nowhere';; \
        compose) echo 2.26.1;; *) echo fine;; esac";
    for (check, says, script) in [
        ("docker-silent", "does not respond", "exec sleep 600".to_owned()),
        ("docker-old", "20.10.2", format!("case $1 in version) echo 20.10.2;; {good}")),
        ("compose", "v2.19.1", format!("case $1 in compose) echo v2.19.1;; {good}")),
        ("compose", "missing", format!("case $1 in compose) echo no >&2; exit 1;; {good}")),
        ("buildx", "missing", format!("case $1 in buildx) echo no >&2; exit 1;; {good}")),
        ("docker-memory", "953 MiB", format!("case $1 in info) echo '1000000000 /';; {good}")),
    ] {
        let docker = fake_program("docker", &script);
        let mut doctor = copy.xtask("doctor --json");
        let doctor = doctor.env("PATH", first_in_path(docker.path()));
        let hangs = check == "docker-silent";
        let diagnosis =
            if hangs { Diagnosis::with_default_timeout(doctor) } else { Diagnosis::of(doctor) };
        diagnosis.finds(check, says);
        assert_eq!(!diagnosis.0["unseen"].to_string().contains("too long"), !hangs, "{script}");
    }
}

pub(crate) fn docker_problems_are_ignored_on_the_local_engine(_: &Stack) {
    let copy = Copy::new();
    for docker in ["exec sleep 600", "exit 1"] {
        let docker = fake_program("docker", docker);
        let mut doctor = copy.xtask("doctor --json");
        let diagnosis = Diagnosis::of(doctor.env("PATH", first_in_path(docker.path())));
        diagnosis.assert_not_found("docker-silent");
        diagnosis.assert_not_found("docker-stopped");
    }
}

pub(crate) fn a_stopped_engine_and_missing_permission_are_distinguished(_: &Stack) {
    let folder = TempDir::new().expect("a folder");
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("a mode");
    let socket = folder.path().join("docker.sock");
    let listener = UnixListener::bind(&socket).expect("a socket");
    let copy = copy();
    // Simulates a machine without a Docker context and without Docker at the default socket.
    let mut host = "unix://".to_owned();
    host.push_str(socket.to_str().expect("UTF-8"));
    let real = ask(Command::new("sh").args(["-c", "command -v docker"]));
    let script = format!("case $1 in --context) exit 1;; *) exec {real} \"$@\";; esac");
    let docker = fake_program("docker", &script);
    fs::set_permissions(docker.path(), Permissions::from_mode(0o755)).expect("a mode");
    let doctor = |mut doctor: Command| {
        doctor.env("PATH", first_in_path(docker.path())).env("DOCKER_HOST", &host);
        Diagnosis::of(doctor.env("HOME", folder.path()))
    };

    fs::set_permissions(&socket, Permissions::from_mode(0o000)).expect("a mode");
    doctor(as_unprivileged_user(&copy, folder.path())).finds("docker-permission", "not allowed");
    drop(listener);
    fs::set_permissions(&socket, Permissions::from_mode(0o777)).expect("a mode");
    doctor(copy.xtask("doctor --json")).finds("docker-stopped", "is not running");
}

/// Returns `doctor --json` as a user who may not use the socket. Root could always use it.
fn as_unprivileged_user(copy: &Copy, folder: &std::path::Path) -> Command {
    use std::os::unix::fs::MetadataExt;
    let xtask = copy.xtask("doctor --json");
    if fs::metadata("/proc/self").expect("this process").uid() != 0 {
        return xtask;
    }
    // Copies xtask to a folder that the unprivileged user can read.
    let program = folder.join("xtask");
    fs::copy(xtask.get_program(), &program).expect("a copy");
    let mut command = copy.command("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program);
    command.args(xtask.get_args()).env("CARGO_MANIFEST_DIR", copy.root.join("xtask"));
    command
}

/// This scenario needs a running Docker at the default socket.
pub(crate) fn an_invalid_docker_context_is_reset(_: &Stack) {
    let copy = copy();
    let settings = TempDir::new().expect("a folder");
    let docker = |words: &str| {
        let mut docker = Command::new("docker");
        ask(docker.env("DOCKER_CONFIG", settings.path()).args(words.split(' ')))
    };
    docker("context create elsewhere --docker host=unix:///nowhere/docker.sock");
    docker("context use elsewhere");
    let doctor =
        |words: &str| Diagnosis::of(copy.xtask(words).env("DOCKER_CONFIG", settings.path()));
    doctor("doctor --json").finds("docker-context", "unix:///nowhere/docker.sock");
    doctor("doctor --fix --json").assert_has_fixed("docker-context");
    assert_eq!(docker("context show"), "default");

    let mut doctor = copy.xtask("doctor --json");
    let diagnosis = Diagnosis::of(doctor.env("DOCKER_HOST", "tcp://127.0.0.1:9"));
    assert_eq!(diagnosis.finds("docker-context", ":9")["remedy"], "unset DOCKER_HOST");
}

pub(crate) fn an_unavailable_image_is_reported(_: &Stack) {
    let copy = copy();
    let mut doctor = copy.xtask("doctor --json");
    doctor.env("POSTGRES_IMAGE", "127.0.0.1:9/nowhere/postgres:1");
    Diagnosis::of(&mut doctor).finds("base-images", "127.0.0.1:9/nowhere/postgres:1");
}
