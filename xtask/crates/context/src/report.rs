//! Terminal output: results on standard output, progress and errors on standard error. The output has no colours if it
//! is not a terminal, if NO_COLOR is set or if TERM is `dumb`, unless CLICOLOR_FORCE is set. In a terminal, lines break
//! between words.

use std::{
    fmt::{Arguments, Display},
    io::{ErrorKind, Write as _},
    process::ExitCode,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use anstyle::{AnsiColor, Style};
use serde::Serialize;
use terminal_size::{Width, terminal_size_of};

use crate::layout::{self, wrapped};

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default();
const FAINT: Style = Style::new().dimmed();
const STRONG: Style = Style::new().bold();

/// The amount of progress that the commands print to standard error.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
pub enum Detail {
    /// Prints only errors.
    Quiet,
    /// Also prints stages, notes and hints.
    Normal,
    /// Also prints the command lines of child processes.
    Verbose,
}

static DETAIL: OnceLock<Detail> = OnceLock::new();
static OUTPUT_FAILED: AtomicBool = AtomicBool::new(false);

/// Sets how much progress is printed. Only the first call has an effect.
pub fn set_detail(detail: Detail) {
    let _ = DETAIL.set(detail);
}

fn prints(detail: Detail) -> bool {
    detail <= DETAIL.get().copied().unwrap_or(Detail::Normal)
}

/// Returns the exit code of this process: `code`, or 1 if a result could not be printed, for example on a full disk.
pub fn exit_code(code: ExitCode) -> ExitCode {
    if OUTPUT_FAILED.load(Ordering::Relaxed) { ExitCode::FAILURE } else { code }
}

/// Prints a result to standard output. A closed pipe, such as that of `| head -1`, is not an error.
/// Returns false if standard output cannot be written.
fn result(text: Arguments<'_>) -> bool {
    let Err(failure) = writeln!(anstream::stdout(), "{text}") else { return true };
    if failure.kind() != ErrorKind::BrokenPipe && !OUTPUT_FAILED.swap(true, Ordering::Relaxed) {
        error(&anyhow::Error::new(failure).context("cannot write to standard output"));
    }
    false
}

/// Prints to standard error. Ignores errors, because standard error may be closed.
fn message(detail: Detail, text: Arguments<'_>) {
    if prints(detail) {
        let _ = writeln!(anstream::stderr(), "{text}");
    }
}

/// Returns the width of the terminal of standard output. There is no limit if it is not a terminal.
fn width() -> usize {
    terminal_size_of(std::io::stdout()).map_or(usize::MAX, |(Width(width), _)| width.into())
}

/// Breaks a text that follows `indent` characters on standard error.
fn for_stderr(text: &str, indent: usize) -> String {
    let size = terminal_size_of(std::io::stderr());
    wrapped(text, indent, size.map_or(usize::MAX, |(Width(width), _)| width.into()))
}

/// Returns whether standard output shows colours.
pub(crate) fn shows_colours() -> bool {
    anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never
}

/// Prints a line of a log to standard output, without the colours in it if standard output does not show colours.
/// Returns false if standard output cannot be written, for example because `head` has closed the pipe.
pub fn log_line(line: &str) -> bool {
    result(format_args!("{line}"))
}

/// Prints a note to standard error.
pub fn note(text: &str) {
    message(Detail::Normal, format_args!("{FAINT}note:{FAINT:#} {}", for_stderr(text, 6)));
}

/// Prints an error and its causes to standard error.
pub fn error(error: &anyhow::Error) {
    let text = for_stderr(&format!("{error:#}"), 7);
    message(Detail::Quiet, format_args!("{BAD}error:{BAD:#} {text}"));
}

/// Prints the messages of another program, such as a compiler, to standard error.
pub fn failure(text: &str) {
    message(Detail::Quiet, format_args!("{}", text.trim_end()));
}

/// Prints a line about the progress of a command to standard error.
pub fn progress(text: &str) {
    message(Detail::Normal, format_args!("{}", for_stderr(text, 0)));
}

/// Prints the command line of a child process to standard error, with `--verbose`.
pub(crate) fn command(line: &str) {
    message(Detail::Verbose, format_args!("{FAINT}$ {line}{FAINT:#}"));
}

/// Runs a step of a command and prints its duration and outcome to standard error. `work` returns a value and the
/// outcome as text.
pub fn stage<T>(
    name: &str,
    work: impl FnOnce() -> anyhow::Result<(T, String)>,
) -> anyhow::Result<T> {
    let started = Instant::now();
    let done = thread::scope(|scope| {
        let (ended, end) = mpsc::channel();
        scope.spawn(move || announce(name, started, &end));
        let done = work();
        // Dropping the sender ends the thread that announces the stage. A panic in `work` drops the sender too.
        drop::<mpsc::Sender<()>>(ended);
        done
    });
    let time = seconds(started.elapsed());
    match done {
        Ok((value, outcome)) => {
            let outcome = for_stderr(&outcome, 21);
            message(
                Detail::Normal,
                format_args!("{GOOD}✔{GOOD:#} {name:<9} {time:>7}  {FAINT}{outcome}{FAINT:#}"),
            );
            Ok(value)
        }
        Err(error) => {
            message(Detail::Normal, format_args!("{BAD}✘{BAD:#} {name:<9} {time:>7}"));
            Err(error)
        }
    }
}

/// Prints that the stage is running, first after a second and then every half a minute, until the stage ends.
fn announce(name: &str, started: Instant, end: &mpsc::Receiver<()>) {
    let mut wait = Duration::from_secs(1);
    while end.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
        let time = started.elapsed().as_secs();
        message(Detail::Normal, format_args!("{FAINT}… {name:<9} {time:>5} s{FAINT:#}"));
        wait = Duration::from_secs(30);
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
    let what = wrapped(what, name.len() + 4, width());
    result(format_args!("{style}{symbol} {name}{style:#}: {what}"));
}

/// Prints how to fix a problem.
pub fn remedy(what: &str) {
    result(format_args!("  {FAINT}→{FAINT:#} {}", wrapped(what, 4, width())));
}

/// Prints a name and a value, aligned with other fields.
pub fn field(name: &str, value: impl Display) {
    let value = wrapped(&value.to_string(), 13, width());
    result(format_args!("  {FAINT}{name:<10}{FAINT:#} {value}"));
}

/// Prints a heading.
pub fn heading(text: &str) {
    result(format_args!("{STRONG}{text}{STRONG:#}"));
}

/// Prints a command and its description.
pub fn entry(name: &str, what: &str) {
    result(format_args!("  {GOOD}{name:<13}{GOOD:#} {}", wrapped(what, 16, width())));
}

/// Prints a command to run next, and its description, to standard error.
pub fn next(command: &str, what: &str) {
    let what = for_stderr(what, 29);
    message(
        Detail::Normal,
        format_args!("  {STRONG}{command:<26}{STRONG:#} {FAINT}{what}{FAINT:#}"),
    );
}

/// Prints a step of a plan and its description.
pub fn step(name: &str, what: &str) {
    let what = wrapped(what, 12, width());
    result(format_args!("  {STRONG}{name:<9}{STRONG:#} {FAINT}{what}{FAINT:#}"));
}

/// Prints `value` as JSON to standard output.
///
/// # Errors
/// The value cannot be converted to JSON.
pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    result(format_args!("{}", serde_json::to_string_pretty(value)?));
    Ok(())
}

/// Prints a line to standard output.
pub fn line(text: &str) {
    result(format_args!("{}", wrapped(text, 0, width())));
}

/// Prints rows of cells in columns. The headers are empty or as long as each row. In a terminal that is too narrow, the
/// cells of a row are below its first cell.
pub fn table(headers: &[&str], rows: &[Vec<String>]) {
    for line in layout::table(headers, rows, width()) {
        result(format_args!("{line}"));
    }
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
