//! Runs a build and explains why it failed.

use std::{
    io::{self, Read, Write},
    process::{Command, ExitStatus, Stdio},
};

use anstream::{AutoStream, ColorChoice};
use anyhow::{Context, bail};
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
    let program = command.get_program().to_string_lossy().into_owned();
    report::command(&process::command_line(command));
    let mut child = command
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {program}"))?;
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
