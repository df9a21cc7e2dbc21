//! A machine with too few resources, simulated with namespaces and limits.

use std::{fs, net::TcpListener, process::Command};

use super::{Copy, Diagnosis, assert_fixed, examine};
use crate::{
    engine_choice::{fake_program, first_in_path},
    harness::{Checkout, Stack, free_port, run},
};

/// Returns a command that runs lines of shell and then `cargo xtask` with these arguments, as root in its own
/// namespaces, so that the lines change nothing outside.
fn apart(checkout: &Checkout, script: &str, words: &str) -> Command {
    let unshare = ["unshare", "--user", "--map-root-user", "--mount"];
    let mut is_allowed = Command::new(unshare[0]);
    let is_allowed = run(is_allowed.args(&unshare[1..]).arg("true")).is_success();
    let xtask = checkout.xtask(words);
    let mut command = checkout.command(if is_allowed { "env" } else { "sudo" });
    if !is_allowed {
        command.args(["--non-interactive", "--preserve-env"]);
    }
    command.args(unshare).args(["sh", "-ec", &format!("{script}\nexec \"$@\""), "sh"]);
    command.arg(xtask.get_program()).args(xtask.get_args());
    command.env("CARGO_MANIFEST_DIR", checkout.root.join("xtask"));
    command
}

pub(crate) fn a_low_limit_for_watched_files_is_raised(_: &Stack) {
    let copy = Copy::new();
    let limit = "echo 100 > /proc/sys/user/max_inotify_watches";
    Diagnosis::of(&mut apart(&copy, limit, "doctor --json")).finds("watch-limit", "100 files");
    Diagnosis::of(&mut apart(&copy, limit, "doctor --fix --json")).assert_has_fixed("watch-limit");
}

pub(crate) fn low_disk_memory_and_open_files_are_reported(_: &Stack) {
    let copy = Copy::new();
    let small = "ulimit -n 100";
    Diagnosis::of(&mut apart(&copy, small, "doctor --json")).finds("open-files", "100 files");

    let meminfo = fs::read_to_string("/proc/meminfo").expect("the memory of this machine");
    let is_available = |line: &&str| line.starts_with("MemAvailable:");
    let line = meminfo.lines().find(is_available).expect("a line with the available memory");
    copy.write("meminfo", &meminfo.replace(line, "MemAvailable: 102400 kB"));
    let short = format!("mount --bind '{}/meminfo' /proc/meminfo", copy.root.display());
    Diagnosis::of(&mut apart(&copy, &short, "doctor --json")).finds("memory", "100 MiB");

    // Copies the checkout to a small disk, so that little space is free.
    let disk = tempfile::TempDir::new().expect("a folder");
    let (root, disk) = (copy.root.display(), disk.path().display());
    let full = format!(
        "mount -t tmpfs -o size=200m none '{disk}'; cp -r '{root}' '{disk}/checkout' || true; \
         export CARGO_MANIFEST_DIR='{disk}/checkout/xtask'"
    );
    Diagnosis::of(&mut apart(&copy, &full, "doctor --json")).finds("disk", " MiB left");
}

pub(crate) fn an_old_rust_is_updated_with_rustup(_: &Stack) {
    let copy = Copy::new();
    let rust = fake_program("rustc", "echo \"rustc 1.70.0 (90c541806 2023-05-31)\"");
    let path = first_in_path(rust.path());
    let rustup = "case \"$*\" in 'toolchain install') \
        printf '#!/bin/sh\\necho rustc 1.95.0' > \"${0%up}c\";; *) echo rustup 1.28.2;; esac";
    let rustup = fake_program("rustup", rustup);
    // Puts `rustup` into the folder of the fake programs.
    fs::copy(rustup.path().join("rustup"), rust.path().join("rustup")).expect("a copy");
    let doctor = |words: &str| Diagnosis::of(copy.xtask(words).env("PATH", &path));
    doctor("doctor --json").finds("toolchain", "1.70.0");
    doctor("doctor --fix --json").assert_has_fixed("toolchain");
}

pub(crate) fn a_taken_port_is_reported_with_its_owner_and_replaced(_: &Stack) {
    let copy = Copy::new();
    let port = free_port();
    let text = copy.read(".env");
    // Reads the actual port, because it differs from `.env.example` if that port is in use.
    let api = format!("API_PORT={}", copy.variable("API_PORT"));
    copy.write(".env", &text.replace(&api, &format!("API_PORT={port}")));
    let owner = TcpListener::bind(("127.0.0.1", port)).expect("a free port");
    assert_fixed(&copy, "port", &format!("(process {})", std::process::id()));
    assert_eq!(copy.variable("API_PORT"), (port + 1).to_string());
    drop(owner);
    examine(&copy).assert_not_found("port");
}

pub(crate) fn a_missing_postgresql_is_reported(_: &Stack) {
    let copy = Copy::new();
    let nothing = tempfile::TempDir::new().expect("a folder");
    let mut doctor = copy.xtask("doctor --json");
    doctor.env("PG_BIN", nothing.path());
    Diagnosis::of(&mut doctor).finds("local-postgres", "PG_BIN");
}
