//! Opens, prints and follows the log files of background processes.

use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use anyhow::Context;
use context::report;

/// The size in bytes after which the next start renames the log.
const LIMIT: u64 = 10 * 1024 * 1024;
const PAUSE: Duration = Duration::from_millis(200);

/// Opens the log file at `path` for appending.
pub(crate) fn open(path: &Path) -> anyhow::Result<File> {
    if fs::metadata(path).is_ok_and(|log| log.len() > LIMIT) {
        fs::rename(path, path.with_extension("log.old"))?;
    }
    let open = File::options().create(true).append(true).open(path);
    open.with_context(|| format!("cannot write {}", path.display()))
}

/// Returns the last `count` lines of the log.
pub(crate) fn tail(path: &Path, count: usize) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

/// Prints the logs, with the name of the service before each line, until the reader closes the pipe. With `follow`,
/// keeps printing new lines.
pub(crate) fn show(logs: &[(&str, PathBuf)], follow: bool) -> anyhow::Result<()> {
    let mut read: Vec<_> = logs.iter().map(|_| (0, String::new())).collect();
    loop {
        for ((name, path), (position, rest)) in logs.iter().zip(&mut read) {
            *position = added(path, *position, rest)?;
            let end = rest.rfind('\n').map_or(0, |newline| newline + 1);
            let lines: String = rest.drain(..end).collect();
            for line in lines.lines() {
                if !report::log_line(&format!("{name:<8} | {line}")) {
                    return Ok(());
                }
            }
        }
        if !follow {
            return Ok(());
        }
        thread::sleep(PAUSE);
    }
}

/// Reads what was written since `position` into `rest` and returns the new position.
fn added(path: &Path, position: u64, rest: &mut String) -> anyhow::Result<u64> {
    // A log that is missing or cannot be opened counts as empty.
    let Ok(mut file) = File::open(path) else { return Ok(position) };
    // If the file is shorter than before, it is a new log, because the old log was renamed.
    let start = if file.metadata()?.len() < position { 0 } else { position };
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    rest.push_str(&String::from_utf8_lossy(&bytes));
    Ok(start + bytes.len() as u64)
}
