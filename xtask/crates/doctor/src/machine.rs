//! Checks the machine: Rust, disk, memory and system limits.

use std::{fs, path::Path, process::Command};

use context::process;
use engine::docker_parts::at_least;
use sysinfo::{MemoryRefreshKind, System};

use crate::{
    check_context::CheckContext,
    diagnostic::{Diagnostic, Severity},
};

const GIB: u64 = 1024 * 1024 * 1024;
/// The free disk space below which the check reports an error.
const DISK_ERROR: u64 = GIB;
/// The free disk space below which the check reports a warning.
const DISK_WARNING: u64 = 5 * GIB;
const MEMORY: u64 = GIB;
/// The minimum number of watched files, most of which editors use.
const WATCHES: u64 = 16_384;
const REQUIRED_WATCHES: &str = "524288";
const WATCH_LIMITS: [&str; 2] =
    ["/proc/sys/fs/inotify/max_user_watches", "/proc/sys/user/max_inotify_watches"];
const OPEN_FILES: u64 = 1024;

/// Checks the Rust toolchain, the disk and the memory.
pub(crate) fn check(context: &CheckContext) -> Vec<Diagnostic> {
    [toolchain(context), disk(context, &context.deadline.root), memory()]
        .into_iter()
        .flatten()
        .collect()
}

/// Checks the limits of watched and open files. The limits are known on Linux only.
pub(crate) fn limits(_: &CheckContext) -> Vec<Diagnostic> {
    [watches(), open_files()].into_iter().flatten().collect()
}

fn toolchain(context: &CheckContext) -> Option<Diagnostic> {
    const NEEDED: &str = env!("CARGO_PKG_RUST_VERSION");
    let minimum = NEEDED.split_once('.')?;
    let minimum = (minimum.0.parse().ok()?, minimum.1.parse().ok()?);
    let output = context.deadline.output(Command::new("rustc").arg("--version"));
    let version = match &output {
        Err(process::ProbeError::TimedOut) => return None,
        Ok(version) => version.split(' ').nth(1).unwrap_or(version),
        Err(_) => "none",
    };
    at_least("Rust", version, minimum).err()?;
    let what = format!("Rust {NEEDED} or newer is required, found {version}");
    let has_rustup = context.deadline.output(Command::new("rustup").arg("--version")).is_ok();
    if !has_rustup {
        return Some(Diagnostic::error("toolchain", what, "install rustup from https://rustup.rs"));
    }
    // Unsets RUSTUP_TOOLCHAIN, because it overrides rust-toolchain.toml.
    let remedy = "unset RUSTUP_TOOLCHAIN; rustup toolchain install";
    Some(Diagnostic::error("toolchain", what, remedy).with_fix(|project| {
        let mut install = Command::new("rustup");
        process::run(install.args(["toolchain", "install"]).current_dir(&project.root))?;
        Ok("installed the toolchain that rust-toolchain.toml names".to_owned())
    }))
}

/// Checks the free space on the disk that contains `folder`.
pub(crate) fn disk(context: &CheckContext, folder: &Path) -> Option<Diagnostic> {
    // -P prints one line per disk on every Unix, and -k uses blocks of 1024 bytes.
    let output = context.deadline.output(Command::new("df").arg("-Pk").arg(folder)).ok()?;
    let free = output.lines().last()?.split_whitespace().nth(3)?.parse::<u64>().ok()? * 1024;
    let severity = match free {
        free if free < DISK_ERROR => Severity::Error,
        free if free < DISK_WARNING => Severity::Warning,
        _ => return None,
    };
    let what = format!("the disk of {} has {} MiB left", folder.display(), free / (1024 * 1024));
    let remedy =
        "free disk space; `docker system prune` and `cargo clean` delete rebuildable files";
    Some(Diagnostic::new("disk", severity, what, remedy))
}

fn memory() -> Option<Diagnostic> {
    let mut system = System::new().ok()?;
    system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
    let free = system.available_memory();
    // The value is 0 if the system does not report its free memory.
    if free == 0 || free >= MEMORY {
        return None;
    }
    let what =
        format!("{} MiB of memory are free, but compiling needs about 1 GiB", free / 1_048_576);
    Some(Diagnostic::warning("memory", what, "close other programs"))
}

fn watches() -> Option<Diagnostic> {
    let read = |path: &&str| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let limit = WATCH_LIMITS.iter().filter_map(read).min()?;
    if limit >= WATCHES {
        return None;
    }
    let what = format!("a user can watch only {limit} files (inotify), but editors need more");
    let remedy = format!(
        "echo fs.inotify.max_user_watches={REQUIRED_WATCHES} | sudo tee /etc/sysctl.d/60-watches.conf && \
         sudo sysctl --system"
    );
    let diagnostic = Diagnostic::warning("watch-limit", what, remedy);
    let is_low = |path: &&&str| read(path).is_some_and(|limit| limit < WATCHES);
    let low: Vec<_> = WATCH_LIMITS.iter().filter(is_low).collect();
    // No fix is offered if this user may not change the limits.
    if !low.iter().all(|path| fs::File::options().write(true).open(path).is_ok()) {
        return Some(diagnostic);
    }
    Some(diagnostic.with_fix(move |_| {
        for path in low {
            fs::write(path, REQUIRED_WATCHES)?;
        }
        Ok(format!("raised the limit to {REQUIRED_WATCHES} until the next reboot"))
    }))
}

fn open_files() -> Option<Diagnostic> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let limit: u64 = line.split_whitespace().next()?.parse().ok()?;
    (limit < OPEN_FILES).then(|| {
        let what =
            format!("a process can open only {limit} files, but the API needs one per connection");
        Diagnostic::warning("open-files", what, format!("ulimit -n {OPEN_FILES}"))
    })
}
