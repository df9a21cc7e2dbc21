//! All databases of a server, copied into another one of the same or a newer version.

use std::process::Stdio;

use anyhow::{Context, bail, ensure};

use crate::{
    contents::{Held, hold},
    tool::{Running, Tools},
};

/// The database that every server has.
const MAINTENANCE: &str = "postgres";
const DATABASES: &str = "SELECT datname FROM pg_database \
    WHERE datname NOT IN ('template0', 'template1') AND datallowconn = $ ORDER BY datname";

/// Copies roles and databases from one server to another, which is new and has the role `superuser`
/// alone, and compares them row for row.
///
/// Returns what keeps everybody from changing a row of the first server: until that is dropped, or the
/// server is stopped, both hold the same.
///
/// # Errors
/// What could not be copied, or is not the same.
pub fn copy_server(from: Tools, to: Tools, superuser: &str) -> anyhow::Result<Vec<Held>> {
    let closed = ask(from, &DATABASES.replace('$', "false"))?;
    ensure!(
        closed.is_empty(),
        "nobody may connect to {}, so it cannot be copied: drop it, or ALTER DATABASE … \
        ALLOW_CONNECTIONS true",
        closed.trim().replace('\n', ", ")
    );
    copy_roles(from, to, superuser)?;
    let databases = ask(from, &DATABASES.replace('$', "true"))?;
    databases.lines().try_for_each(|name| {
        copy(from, to, name).with_context(|| format!("cannot copy the database {name}"))
    })?;
    databases.lines().map(|name| compare(from, to, name)).collect()
}

fn copy_roles(from: Tools, to: Tools, superuser: &str) -> anyhow::Result<()> {
    let output = from("pg_dumpall").args(["--globals-only", "--no-tablespaces"]).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "pg_dumpall failed: {}", said.trim());
    let script = String::from_utf8(output.stdout)?;
    // The new server was made with it.
    let made = [format!("CREATE ROLE {superuser};"), format!("CREATE ROLE \"{superuser}\";")];
    let script: Vec<_> =
        script.lines().filter(|line| made.iter().all(|made| made != line)).collect();
    let mut psql = to("psql");
    psql.args(["-XAtq", "--set=ON_ERROR_STOP=1", "--file=-", "--dbname", MAINTENANCE]);
    let mut psql = Running::start("psql", psql.stdin(Stdio::piped()).stdout(Stdio::null()))?;
    let mut input = psql.child.stdin.take().expect("it is a pipe");
    // If psql has ended, it says why below.
    let _ = std::io::Write::write_all(&mut input, (script.join("\n") + "\n").as_bytes());
    drop(input);
    psql.finish()
}

fn copy(from: Tools, to: Tools, database: &str) -> anyhow::Result<()> {
    let mut dump = from("pg_dump");
    dump.args(["--format=custom", "--compress=0", "--dbname", database]);
    let mut dump = Running::start("pg_dump", dump.stdin(Stdio::null()).stdout(Stdio::piped()))?;
    let mut restore = to("pg_restore");
    restore.args(["--exit-on-error", "--dbname", MAINTENANCE]);
    if database != MAINTENANCE {
        // One that the new server was made with is empty.
        ask(to, &format!("DROP DATABASE IF EXISTS \"{database}\""))?;
        restore.arg("--create");
    }
    let archive = dump.child.stdout.take().expect("it is a pipe");
    restore.stdin(archive).stdout(Stdio::null());
    let restored = Running::start("pg_restore", &mut restore)?.finish();
    // The first to fail is the cause; the other lacks its input or its reader then.
    let is_dump_alive = matches!(dump.child.try_wait(), Ok(None));
    // This end of the pipe is ours: pg_dump would wait for ever for somebody to read what it writes.
    drop(restore);
    let dumped = dump.finish();
    if is_dump_alive { restored.and(dumped) } else { dumped.and(restored) }
}

fn compare(from: Tools, to: Tools, database: &str) -> anyhow::Result<Held> {
    let (ours, theirs) = (hold(from, database)?, hold(to, database)?);
    let other = ours.contents.lines().find(|line| !theirs.contents.lines().any(|it| it == *line));
    if let Some(line) = other {
        let table = line.split('|').next().unwrap_or_default();
        bail!("{table} of {database} is not the same on both servers: was it changed meanwhile?");
    }
    ensure!(ours.contents == theirs.contents, "{database} is not the same on both servers");
    Ok(ours)
}

/// What the server answers to a statement.
fn ask(tools: Tools, statement: &str) -> anyhow::Result<String> {
    let mut psql = tools("psql");
    psql.args(["-XAtq", "--set=ON_ERROR_STOP=1", "--dbname", MAINTENANCE, "--command", statement]);
    let output = psql.stdin(Stdio::null()).output().context("cannot start psql")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}", said.trim());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(all(test, unix))]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn who_fails_first_is_the_cause_and_the_other_is_not_waited_for() {
        for (dump, restore, why) in [
            (
                "yes",
                "head -c 1 >/dev/null; echo no room >&2; exit 1",
                "pg_restore failed (exit status: 1): no room",
            ),
            (
                "echo no table >&2; exit 1",
                "cat >/dev/null; echo cut off >&2; exit 1",
                "pg_dump failed (exit status: 1): no table",
            ),
        ] {
            let tool = |script: &str| {
                let mut command = Command::new("sh");
                command.args(["-c", script]);
                command
            };
            let error = copy(&|_| tool(dump), &|_| tool(restore), MAINTENANCE).expect_err(why);
            assert_eq!(error.to_string(), why);
        }
    }
}
