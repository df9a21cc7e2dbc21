//! Runs a build and explains why it failed.

use std::{
    collections::HashMap,
    io::{self, Read, Write},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
};

use anstream::{AutoStream, ColorChoice};
use anyhow::{Context, anyhow, bail};
use terminal_size::{Width, terminal_size};

use crate::{process, report};

/// Texts in the output of failed builds, each with an explanation.
pub type KnownFailures = &'static [(&'static str, &'static str)];

const KILLED: &str = "the compiler was killed, probably because memory ran out. Close other programs, give Docker \
                      more memory, or set `jobs = 1` below `[build]` in .cargo/config.toml";

/// Runs a build and copies its messages to standard error.
///
/// # Errors
/// Returns the likely reason of the failure, see [`failure_reason`].
pub fn run(command: &mut Command, known_failures: KnownFailures) -> anyhow::Result<()> {
    report::command(&process::command_line(command));
    finish(&mut start(command)?, known_failures)
}

/// Runs `cargo build` like [`run`]. Returns the path of each program by its name, because the user's configuration of
/// cargo can change the folder.
///
/// # Errors
/// Returns the likely reason of the failure, see [`failure_reason`].
pub fn programs(cargo: &mut Command) -> anyhow::Result<HashMap<String, PathBuf>> {
    report::command(&process::command_line(cargo));
    cargo.arg("--message-format=json-render-diagnostics").stdout(Stdio::piped());
    let mut child = start(cargo)?;
    // A thread reads stdout, because a full pipe would block cargo.
    let stdout = child.stdout.take().expect("stdout is piped");
    let stdout = thread::spawn(move || io::read_to_string(stdout));
    finish(&mut child, &[])?;
    let messages = stdout.join().map_err(|_| anyhow!("cannot read the output of cargo"))??;
    let program = |line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let name = message["target"]["name"].as_str()?.to_owned();
        Some((name, message["executable"].as_str()?.into()))
    };
    Ok(messages.lines().filter_map(program).collect())
}

fn start(command: &mut Command) -> anyhow::Result<Child> {
    let program = command.get_program().to_string_lossy().into_owned();
    command.stderr(Stdio::piped()).spawn().with_context(|| format!("cannot start {program}"))
}

fn finish(child: &mut Child, known_failures: KnownFailures) -> anyhow::Result<()> {
    let messages = copy_to_stderr(child.stderr.take().expect("stderr is piped"))?;
    let status = child.wait()?;
    if status.success() {
        return Ok(());
    }
    bail!(failure_reason(&messages, was_killed(status), known_failures))
}

/// Returns variables that make cargo write colours and progress to a pipe, if standard error shows colours.
pub fn cargo_terminal_settings() -> impl Iterator<Item = (&'static str, String)> {
    let is_plain = AutoStream::choice(&io::stderr()) == ColorChoice::Never;
    let settings = [("CARGO_TERM_COLOR", "always"), ("CARGO_TERM_PROGRESS_WHEN", "always")];
    let width = terminal_size().map_or(80, |(Width(width), _)| width.min(80));
    let width = ("CARGO_TERM_PROGRESS_WIDTH", width.to_string());
    let settings = settings.map(|(name, value)| (name, value.to_owned()));
    settings.into_iter().chain([width]).filter(move |_| !is_plain)
}

/// Copies the pipe to standard error and returns its text.
fn copy_to_stderr(mut pipe: impl Read) -> io::Result<String> {
    let (mut all, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let length = pipe.read(&mut piece)?;
        if length == 0 {
            return Ok(String::from_utf8_lossy(&all).into_owned());
        }
        // Errors are ignored, because the build must also continue if stderr is closed.
        let _ = io::stderr().write_all(&piece[..length]);
        all.extend_from_slice(&piece[..length]);
    }
}

/// Returns the likely reason of a failed build that printed `messages`.
pub fn failure_reason(
    messages: &str,
    was_killed: bool,
    known_failures: KnownFailures,
) -> &'static str {
    if let Some((_, meaning)) = known_failures.iter().find(|(text, _)| messages.contains(text)) {
        return meaning;
    }
    if was_killed || messages.contains("SIGKILL") {
        return KILLED;
    }
    if messages.contains("could not compile") {
        return "the source does not compile";
    }
    "the build failed; its last messages show the reason"
}

fn was_killed(status: ExitStatus) -> bool {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal: Option<i32> = None;
    // Signal 9 (SIGKILL) becomes exit code 137 if a shell runs the program, because 137 is 128 + 9.
    signal == Some(9) || status.code() == Some(137)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn programs_are_found_where_the_configuration_of_cargo_puts_them() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder"))?;
            fs::write(path, text)
        };
        write("Cargo.toml", "[package]\nname = \"sample\"\nedition = \"2024\"\n[workspace]\n")?;
        write("src/main.rs", "fn main() {}\n")?;
        let folders =
            ["", "target = 'host-tuple'\n", "target = 'host-tuple'\ntarget-dir = 'other'\n"];
        for folders in folders {
            write(".cargo/config.toml", &format!("[build]\n{folders}"))?;
            let mut build = Command::new("cargo");
            build.args(["build", "--offline"]).current_dir(folder.path());
            for name in ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR", "CARGO_BUILD_TARGET"] {
                build.env_remove(name);
            }
            let found = programs(&mut build)?;
            assert!(Command::new(&found["sample"]).status()?.success(), "{folders} {found:?}");
            assert_eq!(
                found["sample"].starts_with(folder.path().join("other")),
                folders.contains("other")
            );
        }
        Ok(())
    }
}
