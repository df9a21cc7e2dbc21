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

/// A line of plain information.
pub fn note(text: &str) {
    anstream::eprintln!("{FAINT}note:{FAINT:#} {text}");
}

/// What went wrong, and by what.
pub fn error(error: &anyhow::Error) {
    anstream::eprintln!("{BAD}error:{BAD:#} {error:#}");
}

/// Does a piece of work and shows how long it took and what it came to.
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

/// How something was found to be.
#[derive(Clone, Copy)]
pub enum Mark {
    /// As it should be.
    Good,
    /// It works, but not as it should.
    Warning,
    /// It does not work.
    Bad,
}

/// What was found of `name`.
pub fn verdict(mark: Mark, name: &str, what: &str) {
    let (style, sign) = match mark {
        Mark::Good => (GOOD, '✔'),
        Mark::Warning => (WARNING, '!'),
        Mark::Bad => (BAD, '✘'),
    };
    anstream::println!("{style}{sign} {name}{style:#}: {what}");
}

/// What to do about it.
pub fn remedy(what: &str) {
    anstream::println!("  {FAINT}→{FAINT:#} {what}");
}

/// A name and a value, the values below each other.
pub fn field(name: &str, value: impl Display) {
    anstream::println!("  {FAINT}{name:<10}{FAINT:#} {value}");
}

/// What the lines below it have in common.
pub fn heading(text: &str) {
    anstream::println!("{STRONG}{text}{STRONG:#}");
}

/// A command, and what it does.
pub fn entry(name: &str, what: &str) {
    anstream::println!("  {GOOD}{name:<13}{GOOD:#} {what}");
}

/// A command that one may want next.
pub fn next(command: &str, what: &str) {
    anstream::println!("  {STRONG}{command:<26}{STRONG:#} {FAINT}{what}{FAINT:#}");
}

/// A line of output.
pub fn line(text: &str) {
    anstream::println!("{text}");
}

/// `1.5 MB`, in powers of ten.
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
