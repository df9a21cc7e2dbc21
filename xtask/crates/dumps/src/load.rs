//! Loads a dump into an empty database.

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

/// A comment near the end of every complete script.
const END: &[u8] = b"-- PostgreSQL database dump complete";
/// The number of bytes at the end of a script that must contain the comment.
const TAIL: usize = 1024;

/// Loads `dump` into the empty database `name` in one transaction.
///
/// # Errors
/// Fails if a tool fails or the dump is truncated. The caller must then drop the database.
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
                bail!(
                    "the dump is truncated, because its last lines are missing. Create the dump again."
                );
            }
            Ok(())
        }
    }
}

/// Writes the dump to the program, waits until it exits, and returns the last bytes of the dump.
fn feed(mut running: Running, dump: &Dump) -> anyhow::Result<Vec<u8>> {
    let input = running.child.stdin.take().expect("stdin is piped");
    match copy(dump.read()?, input) {
        Ok(end) => running.finish().map(|()| end),
        // If the program has failed, `finish` returns its error, which is the cause.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            running.finish()?;
            Err(error).context(
                "the program that loads the dump exited before the end. Load the dump again.",
            )
        }
        Err(error) => {
            Err(error).context("the dump is damaged or truncated. Create the dump again.")
        }
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

/// Adds a remedy to common errors of scripts from other servers.
fn explain(error: anyhow::Error) -> anyhow::Error {
    let message = error.to_string();
    let remedies = [
        (
            r"\restrict",
            "the dump requires a newer psql; update PostgreSQL to its newest minor version",
        ),
        (
            "role ",
            "a role in the dump does not exist here; create the dump with cargo xtask db dump, or \
             with pg_dump --no-owner --no-privileges",
        ),
    ];
    let remedy = remedies.iter().find(|(sign, _)| message.contains(sign));
    match remedy {
        Some((_, remedy)) => error.context((*remedy).to_owned()),
        None => error,
    }
}
