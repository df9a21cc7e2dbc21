//! Terminal output, without colours if the output is not a terminal or NO_COLOR is set.

use std::{
    fmt::Display,
    time::{Duration, Instant},
};

use anstyle::{AnsiColor, Style};

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default();
const FAINT: Style = Style::new().dimmed();
const STRONG: Style = Style::new().bold();

/// Prints a note to standard error.
pub fn note(text: &str) {
    anstream::eprintln!("{FAINT}note:{FAINT:#} {text}");
}

/// Prints an error and its causes to standard error.
pub fn error(error: &anyhow::Error) {
    anstream::eprintln!("{BAD}error:{BAD:#} {error:#}");
}

/// Runs a step of a command and prints its duration and outcome. `work` returns a value and the outcome as text.
pub fn stage<T>(
    name: &str,
    work: impl FnOnce() -> anyhow::Result<(T, String)>,
) -> anyhow::Result<T> {
    let started = Instant::now();
    match work() {
        Ok((value, outcome)) => {
            let time = seconds(started.elapsed());
            anstream::println!("{GOOD}✔{GOOD:#} {name:<9} {time:>7}  {FAINT}{outcome}{FAINT:#}");
            Ok(value)
        }
        Err(error) => {
            let time = seconds(started.elapsed());
            anstream::println!("{BAD}✘{BAD:#} {name:<9} {time:>7}");
            Err(error)
        }
    }
}

/// The result of a check.
#[derive(Clone, Copy)]
pub enum Mark {
    /// The check found no problem.
    Good,
    /// A problem that does not stop the stack from working.
    Warning,
    /// A problem that stops the stack from working.
    Bad,
}

/// Prints the result of the check `name`.
pub fn check_result(mark: Mark, name: &str, what: &str) {
    let (style, symbol) = match mark {
        Mark::Good => (GOOD, '✔'),
        Mark::Warning => (WARNING, '!'),
        Mark::Bad => (BAD, '✘'),
    };
    anstream::println!("{style}{symbol} {name}{style:#}: {what}");
}

/// Prints how to fix a problem.
pub fn remedy(what: &str) {
    anstream::println!("  {FAINT}→{FAINT:#} {what}");
}

/// Prints a name and a value, aligned with other fields.
pub fn field(name: &str, value: impl Display) {
    anstream::println!("  {FAINT}{name:<10}{FAINT:#} {value}");
}

/// Prints a heading.
pub fn heading(text: &str) {
    anstream::println!("{STRONG}{text}{STRONG:#}");
}

/// Prints a command and its description.
pub fn entry(name: &str, what: &str) {
    anstream::println!("  {GOOD}{name:<13}{GOOD:#} {what}");
}

/// Prints a command to run next, and its description.
pub fn next(command: &str, what: &str) {
    anstream::println!("  {STRONG}{command:<26}{STRONG:#} {FAINT}{what}{FAINT:#}");
}

/// Prints a line to standard output.
pub fn line(text: &str) {
    anstream::println!("{text}");
}

/// Formats a size as `1.5 MB`, in powers of ten.
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
pub fn size(bytes: u64) -> String {
    let mut size = bytes as f64;
    for unit in ["B", "kB", "MB"] {
        if size < 1000.0 {
            return if unit == "B" { format!("{bytes} B") } else { format!("{size:.1} {unit}") };
        }
        size /= 1000.0;
    }
    format!("{size:.1} GB")
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
