//! Writes the content of a compressed file to standard output: `unpack FILE`.

use std::{env, io, path::Path, process::ExitCode};

use anyhow::Context;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => print_error(&error),
    }
}

fn run() -> anyhow::Result<()> {
    let file = env::args_os().nth(1).context("usage: unpack FILE")?;
    io::copy(&mut unpack::read(Path::new(&file))?, &mut io::stdout())?;
    Ok(())
}

#[expect(clippy::print_stderr, reason = "errors go to standard error")]
fn print_error(error: &anyhow::Error) -> ExitCode {
    eprintln!("{error:#}");
    ExitCode::FAILURE
}
