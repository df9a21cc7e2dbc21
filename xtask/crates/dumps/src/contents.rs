//! What is in a database, as one text: two with the same text hold the same rows.

use std::{
    fmt::Write as _,
    io::{BufRead, BufReader, Write},
    process::{Child, Stdio},
};

use anyhow::{Context, ensure};

use crate::tool::Tools;

const CONTENTS: &str = include_str!("../../../../docker/backup/contents.sql");
/// Until this transaction ends, whoever wants to change a row waits.
const LOCK: &str = r"
SELECT format('LOCK TABLE %s IN SHARE MODE', oid::regclass) FROM pg_class
WHERE relkind = 'r' AND relnamespace NOT IN (SELECT oid FROM pg_namespace
    WHERE nspname = 'information_schema' OR nspname LIKE 'pg\_%') \gexec
";
const END: &str = "-- end --";

/// What is in a database, which nobody changes while this is there.
pub struct Held {
    psql: Child,
    /// A line for each table and sequence.
    pub contents: String,
}

/// Looks at every row of `database`, and keeps everybody from changing one until the returned value is
/// dropped, or the server is stopped.
pub fn hold(tools: Tools, database: &str) -> anyhow::Result<Held> {
    let mut command = tools("psql");
    command.args(["-XAtq", "--set=ON_ERROR_STOP=1", "--file=-", "--dbname", database]);
    let psql = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut held = Held { psql: psql.context("cannot start psql")?, contents: String::new() };
    let input = held.psql.stdin.as_mut().expect("it is a pipe");
    // It is all read before anything is written that would fill the other pipe.
    write!(input, "BEGIN;{LOCK}{CONTENTS}\n\\echo '{END}'\n").context("psql has ended")?;
    input.flush()?;
    let output = held.psql.stdout.as_mut().expect("it is a pipe");
    let mut ended = false;
    for line in BufReader::new(output).lines() {
        let line = line.context("psql has ended")?;
        if line == END {
            ended = true;
            break;
        }
        writeln!(held.contents, "{line}")?;
    }
    ensure!(ended, "psql has ended before it told all that is in {database}");
    Ok(held)
}

impl Drop for Held {
    fn drop(&mut self) {
        // Its transaction, which changed nothing, ends with it. It may have ended with its server.
        let _ = self.psql.kill();
        let _ = self.psql.wait();
    }
}
