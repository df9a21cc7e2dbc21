//! Runs a build, and finds out why it failed.

use std::{
    io::{self, Read, Write},
    process::{Command, ExitStatus, Stdio},
};

use anstream::{AutoStream, ColorChoice};
use anyhow::{Context, bail};

/// Texts of failed builds, each with what it means.
pub type KnownFailures = &'static [(&'static str, &'static str)];

const KILLED: &str = "the compiler was killed, most likely because memory ran out: end other programs, give \
                      Docker more memory, or compile less at once with `jobs = 1` below `[build]` in \
                      .cargo/config.toml";

/// Runs a build to its end, its messages going to the terminal as they come. `known_failures` are texts of
/// failed builds, each with what it means.
///
/// # Errors
/// What made it fail: the source, a lack of memory, or something that its messages tell.
pub fn run(command: &mut Command, known_failures: KnownFailures) -> anyhow::Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {program}"))?;
    let messages = pass_on(child.stderr.take().expect("it is piped"))?;
    let status = child.wait()?;
    if status.success() {
        return Ok(());
    }
    bail!(failure_reason(&messages, was_killed(status), known_failures))
}

/// Has cargo write to our pipe as it would to the terminal behind it.
pub fn cargo_terminal_settings() -> impl Iterator<Item = (&'static str, &'static str)> {
    let is_plain = AutoStream::choice(&io::stderr()) == ColorChoice::Never;
    let settings = [
        ("CARGO_TERM_COLOR", "always"),
        ("CARGO_TERM_PROGRESS_WHEN", "always"),
        ("CARGO_TERM_PROGRESS_WIDTH", "80"),
    ];
    settings.into_iter().filter(move |_| !is_plain)
}

/// Copies what comes to our standard error, and returns it.
fn pass_on(mut pipe: impl Read) -> io::Result<String> {
    let (mut all, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let length = pipe.read(&mut piece)?;
        if length == 0 {
            return Ok(String::from_utf8_lossy(&all).into_owned());
        }
        io::stderr().write_all(&piece[..length])?;
        all.extend_from_slice(&piece[..length]);
    }
}

/// Returns the reason why a build failed that printed `messages`. `known_failures` are as for [`run`].
pub fn failure_reason(
    messages: &str,
    was_killed: bool,
    known_failures: KnownFailures,
) -> &'static str {
    if let Some((_, meaning)) = known_failures.iter().find(|(sign, _)| messages.contains(sign)) {
        return meaning;
    }
    if was_killed || messages.contains("SIGKILL") {
        return KILLED;
    }
    if messages.contains("could not compile") {
        return "the source does not compile";
    }
    "the build failed; its last lines say why"
}

fn was_killed(status: ExitStatus) -> bool {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal: Option<i32> = None;
    // As a shell has it: 128 and the number of the signal.
    signal == Some(9) || status.code() == Some(137)
}
