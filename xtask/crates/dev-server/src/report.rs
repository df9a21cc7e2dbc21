//! Writes the supervisor's log, one line per event, between the lines of the server.
#![expect(clippy::print_stderr, clippy::print_stdout, reason = "the log is standard error")]

const GREEN: &str = "\x1b[32m";
const RED: &str = "\x1b[1;31m";
const FAINT: &str = "\x1b[2m";
const END: &str = "\x1b[0m";

pub(crate) fn good(text: &str) {
    eprintln!("{GREEN}dev-server{END} {text}");
}

pub(crate) fn bad(text: &str) {
    eprintln!("{RED}dev-server{END} {text}");
}

pub(crate) fn note(text: &str) {
    eprintln!("{FAINT}dev-server {text}{END}");
}

/// Prints the output of another program unchanged.
pub(crate) fn pass_on(text: &str) {
    eprintln!("{}", text.trim_end_matches('\n'));
}

/// Prints the result of a command to standard output.
pub(crate) fn plain(text: &str) {
    println!("{text}");
}
