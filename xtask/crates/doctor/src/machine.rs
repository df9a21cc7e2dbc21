//! Checks of the machine: Rust, disk, memory, limits of the system.

use std::{fs, path::Path, process::Command};

use context::process;
use engine::docker_parts::at_least;
use sysinfo::{MemoryRefreshKind, System};

use crate::{
    check_context::CheckContext,
    diagnostic::{Diagnostic, Severity},
};

const GIB: u64 = 1024 * 1024 * 1024;
/// A build from nothing takes some three; below the first it will hardly end.
const DISK: (u64, u64) = (GIB, 5 * GIB);
const MEMORY: u64 = GIB;
/// The sources take a few hundred; an editor that watches the same folder takes many more.
const WATCHES: u64 = 16_384;
const WATCHES_WANTED: &str = "524288";
const WATCH_LIMITS: [&str; 2] =
    ["/proc/sys/fs/inotify/max_user_watches", "/proc/sys/user/max_inotify_watches"];
const OPEN_FILES: u64 = 1024;

/// What takes a while to find out.
pub(crate) fn check(context: &CheckContext) -> Vec<Diagnostic> {
    [toolchain(context), disk(context, &context.deadline.root), memory()]
        .into_iter()
        .flatten()
        .collect()
}

/// Limits of the system, which are files on Linux and no trouble elsewhere.
pub(crate) fn limits(_: &CheckContext) -> Vec<Diagnostic> {
    [watches(), open_files()].into_iter().flatten().collect()
}

fn toolchain(context: &CheckContext) -> Option<Diagnostic> {
    const NEEDED: &str = env!("CARGO_PKG_RUST_VERSION");
    let minimum = NEEDED.split_once('.')?;
    let minimum = (minimum.0.parse().ok()?, minimum.1.parse().ok()?);
    let answer = context.deadline.output(Command::new("rustc").arg("--version"));
    let version = match &answer {
        // Slow is not old.
        Err(process::ProbeError::TimedOut) => return None,
        Ok(version) => version.split(' ').nth(1).unwrap_or(version),
        Err(_) => "missing",
    };
    at_least("Rust", version, minimum).err()?;
    let what = format!("the Rust in use is {version}, and must be {NEEDED} or newer");
    let has_rustup = context.deadline.output(Command::new("rustup").arg("--version")).is_ok();
    if !has_rustup {
        return Some(Diagnostic::error("toolchain", what, "install rustup: https://rustup.rs"));
    }
    // Reads rust-toolchain.toml; a variable would go before it.
    let remedy = "unset RUSTUP_TOOLCHAIN; rustup toolchain install";
    Some(Diagnostic::error("toolchain", what, remedy).with_fix(|project| {
        let mut install = Command::new("rustup");
        process::run(install.args(["toolchain", "install"]).current_dir(&project.root))?;
        Ok("installed the toolchain of rust-toolchain.toml".to_owned())
    }))
}

/// Whether the disk that `folder` is on has room.
pub(crate) fn disk(context: &CheckContext, folder: &Path) -> Option<Diagnostic> {
    // -P: one line a disk, in blocks of 1024 bytes with -k, on every Unix.
    let answer = context.deadline.output(Command::new("df").arg("-Pk").arg(folder)).ok()?;
    let free = answer.lines().last()?.split_whitespace().nth(3)?.parse::<u64>().ok()? * 1024;
    let severity = match free {
        free if free < DISK.0 => Severity::Error,
        free if free < DISK.1 => Severity::Warning,
        _ => return None,
    };
    let what = format!("the disk of {} has {} MiB left", folder.display(), free / (1024 * 1024));
    let remedy = "make room: `docker system prune` and `cargo clean` remove what can be made again";
    Some(Diagnostic::new("disk", severity, what, remedy))
}

fn memory() -> Option<Diagnostic> {
    let mut system = System::new().ok()?;
    system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
    let free = system.available_memory();
    // A system that does not tell has none.
    if free == 0 || free >= MEMORY {
        return None;
    }
    let what = format!("{} MiB of memory are free; compiling takes about 1 GiB", free / 1_048_576);
    Some(Diagnostic::warning("memory", what, "end other programs"))
}

fn watches() -> Option<Diagnostic> {
    let read = |path: &&str| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let limit = WATCH_LIMITS.iter().filter_map(read).min()?;
    if limit >= WATCHES {
        return None;
    }
    let what = format!("the system lets a user watch {limit} files, which editors use up");
    let remedy = format!(
        "echo fs.inotify.max_user_watches={WATCHES_WANTED} | sudo tee /etc/sysctl.d/60-watches.conf && \
         sudo sysctl --system"
    );
    let diagnostic = Diagnostic::warning("watch-limit", what, remedy);
    let is_low = |path: &&&str| read(path).is_some_and(|limit| limit < WATCHES);
    let low: Vec<_> = WATCH_LIMITS.iter().filter(is_low).collect();
    // What only root may change is not promised.
    if !low.iter().all(|path| fs::File::options().write(true).open(path).is_ok()) {
        return Some(diagnostic);
    }
    Some(diagnostic.with_fix(move |_| {
        for path in low {
            fs::write(path, WATCHES_WANTED)?;
        }
        Ok(format!("raised the limit to {WATCHES_WANTED}, until this machine is started again"))
    }))
}

fn open_files() -> Option<Diagnostic> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let limit: u64 = line.split_whitespace().next()?.parse().ok()?;
    (limit < OPEN_FILES).then(|| {
        let what = format!("a program may open {limit} files; the API has one a connection");
        Diagnostic::warning("open-files", what, format!("ulimit -n {OPEN_FILES}"))
    })
}
