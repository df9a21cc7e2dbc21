//! Describes the content of a database as text. Databases with the same text have the same rows.

use std::{
    fmt::Write as _,
    io::{BufRead, BufReader, Write},
    process::{Child, Stdio},
};

use anyhow::{Context, ensure};

use crate::tool::Tools;

const CONTENTS: &str = include_str!("../../../../docker/backup/contents.sql");
/// Locks all tables against changes until the transaction ends.
const LOCK: &str = r"
SELECT format('LOCK TABLE %s IN SHARE MODE', oid::regclass) FROM pg_class
WHERE relkind = 'r' AND relnamespace NOT IN (SELECT oid FROM pg_namespace
    WHERE nspname = 'information_schema' OR nspname LIKE 'pg\_%') \gexec
";
const END: &str = "-- end --";

/// The content of a database, which is locked against changes until this value is dropped.
pub struct LockedContents {
    psql: Child,
    /// One line for each table and sequence.
    pub contents: String,
}

/// Reads all rows of `database`, and locks its tables until the returned value is dropped.
///
/// # Errors
/// Fails if `psql` cannot be started or exits early.
pub fn lock_contents(tools: Tools, database: &str) -> anyhow::Result<LockedContents> {
    let mut command = tools("psql");
    command.args(["-XAtq", "--set=ON_ERROR_STOP=1", "--file=-", "--dbname", database]);
    let psql = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let psql = psql.context("cannot start psql")?;
    let mut locked = LockedContents { psql, contents: String::new() };
    let input = locked.psql.stdin.as_mut().expect("stdin is piped");
    // Writing cannot block, because psql reads the whole short script before its output fills the other pipe.
    write!(input, "BEGIN;{LOCK}{CONTENTS}\n\\echo '{END}'\n").context("psql has exited")?;
    input.flush()?;
    let output = locked.psql.stdout.as_mut().expect("stdout is piped");
    let mut is_complete = false;
    for line in BufReader::new(output).lines() {
        let line = line.context("cannot read the output of psql")?;
        if line == END {
            is_complete = true;
            break;
        }
        writeln!(locked.contents, "{line}")?;
    }
    ensure!(is_complete, "psql exited before it had read all tables of {database}");
    Ok(locked)
}

impl Drop for LockedContents {
    fn drop(&mut self) {
        // Killing psql ends its read-only transaction. Errors are ignored, because psql may have exited already.
        let _ = self.psql.kill();
        let _ = self.psql.wait();
    }
}
