//! Loads a dump into an empty database, or says why it does not.

use std::{
    io::{self, Read, Write},
    process::{ChildStdin, Stdio},
};

use anyhow::{Context, bail};

use crate::{
    Dump,
    file::Kind,
    tool::{Running, Tools},
};

/// What a whole script ends with, but for a line or two.
const END: &[u8] = b"-- PostgreSQL database dump complete";
/// Where that must be found, from the end of the script.
const TAIL: usize = 1024;

/// Loads `dump` into the empty database `name`, in one transaction.
///
/// # Errors
/// What the tools say of it; or it is cut off. Then the database is of no use: drop it.
pub fn load(tools: Tools, name: &str, dump: &Dump) -> anyhow::Result<()> {
    match dump.kind {
        Kind::Archive => {
            let mut restore = tools("pg_restore");
            restore.args(["--exit-on-error", "--single-transaction", "--no-owner"]);
            restore.args(["--no-privileges", "--dbname", name]).stdout(Stdio::null());
            if let Some(file) = dump.plain_file() {
                return Running::start("pg_restore", restore.stdin(file?))?.finish();
            }
            feed(Running::start("pg_restore", restore.stdin(Stdio::piped()))?, dump).map(drop)
        }
        Kind::Script => {
            let mut psql = tools("psql");
            psql.args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--single-transaction"]);
            psql.args(["--file=-", "--dbname", name]).stdout(Stdio::null());
            let end = feed(Running::start("psql", psql.stdin(Stdio::piped()))?, dump);
            let end = end.map_err(explain)?;
            if !end.windows(END.len()).any(|window| window == END) {
                bail!("the dump is cut off: its end is missing");
            }
            Ok(())
        }
    }
}

/// Gives the program all that is in the dump, waits for its end, and returns the last of what it got.
fn feed(mut running: Running, dump: &Dump) -> anyhow::Result<Vec<u8>> {
    let input = running.child.stdin.take().expect("it is a pipe");
    match copy(dump.read()?, input) {
        Ok(end) => running.finish().map(|()| end),
        // A program that has ended says why itself.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            running.finish()?;
            Err(error).context("the dump was not read to its end")
        }
        Err(error) => Err(error).context("the dump is damaged or cut off"),
    }
}

fn copy(mut from: impl Read, mut to: ChildStdin) -> io::Result<Vec<u8>> {
    let (mut buffer, mut tail) = (vec![0; 1 << 17], Vec::new());
    loop {
        let length = from.read(&mut buffer)?;
        let Some(read) = buffer.get(..length).filter(|read| !read.is_empty()) else {
            return Ok(tail);
        };
        to.write_all(read)?;
        tail.extend_from_slice(&read[length.saturating_sub(TAIL)..]);
        tail.drain(..tail.len().saturating_sub(TAIL));
    }
}

/// What to do about failures that a script of another place brings with it.
fn explain(error: anyhow::Error) -> anyhow::Error {
    let said = error.to_string();
    let remedies = [
        (
            r"\restrict",
            "psql here is older than that: update PostgreSQL to its newest minor version",
        ),
        ("role ", "have it dumped with --no-owner --no-privileges, as `cargo xtask db dump` does"),
    ];
    let remedy = remedies.iter().find(|(sign, _)| said.contains(sign));
    match remedy {
        Some((_, remedy)) => error.context((*remedy).to_owned()),
        None => error,
    }
}
