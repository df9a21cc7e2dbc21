//! Copies all databases of a server to a server of the same or a newer version.

use std::process::Stdio;

use anyhow::{Context, bail, ensure};

use crate::{
    contents::{LockedContents, lock_contents},
    tool::{Running, Tools},
};

/// The database that exists on every server.
const MAINTENANCE: &str = "postgres";
const DATABASES: &str = "SELECT datname FROM pg_database \
    WHERE datname NOT IN ('template0', 'template1') AND datallowconn = $ ORDER BY datname";

/// Copies roles and databases to a new server, and compares all rows.
///
/// `superuser` must be the only role of the new server. The returned locks prevent changes on the old
/// server until they are dropped or the old server stops.
///
/// # Errors
/// Fails if a role or database cannot be copied, or differs after the copy.
pub fn copy_server(from: Tools, to: Tools, superuser: &str) -> anyhow::Result<Vec<LockedContents>> {
    let closed = query(from, &DATABASES.replace('$', "false"))?;
    ensure!(
        closed.is_empty(),
        "cannot copy databases that do not allow connections: {}. Drop these databases, or run \
        ALTER DATABASE … ALLOW_CONNECTIONS true.",
        closed.trim().replace('\n', ", ")
    );
    copy_roles(from, to, superuser)?;
    let databases = query(from, &DATABASES.replace('$', "true"))?;
    databases.lines().try_for_each(|name| {
        copy(from, to, name).with_context(|| format!("cannot copy the database {name}"))
    })?;
    databases.lines().map(|name| compare(from, to, name)).collect()
}

fn copy_roles(from: Tools, to: Tools, superuser: &str) -> anyhow::Result<()> {
    let output = from("pg_dumpall").args(["--globals-only", "--no-tablespaces"]).output()?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "pg_dumpall failed: {}", stderr.trim());
    let script = String::from_utf8(output.stdout)?;
    // Removes the queries that create the superuser, because this role exists on the new server.
    let existing = [format!("CREATE ROLE {superuser};"), format!("CREATE ROLE \"{superuser}\";")];
    let script: Vec<_> =
        script.lines().filter(|line| existing.iter().all(|existing| existing != line)).collect();
    let mut psql = to("psql");
    psql.args(["-XAtq", "--set=ON_ERROR_STOP=1", "--file=-", "--dbname", MAINTENANCE]);
    let mut psql = Running::start("psql", psql.stdin(Stdio::piped()).stdout(Stdio::null()))?;
    let mut input = psql.child.stdin.take().expect("stdin is piped");
    // Errors are ignored, because `finish` returns the reason if psql has exited.
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
        // `initdb` may have created this database. It is empty, so it can be dropped.
        query(to, &format!("DROP DATABASE IF EXISTS \"{database}\""))?;
        restore.arg("--create");
    }
    let archive = dump.child.stdout.take().expect("stdout is piped");
    restore.stdin(archive).stdout(Stdio::null());
    let restored = Running::start("pg_restore", &mut restore)?.finish();
    // If one program fails, the other fails because of the closed pipe. The first failure is the cause.
    let is_dump_alive = matches!(dump.child.try_wait(), Ok(None));
    // Closes this process's end of the pipe. Otherwise pg_dump would wait forever for a reader.
    drop(restore);
    let dumped = dump.finish();
    if is_dump_alive { restored.and(dumped) } else { dumped.and(restored) }
}

fn compare(from: Tools, to: Tools, database: &str) -> anyhow::Result<LockedContents> {
    let (old, new) = (lock_contents(from, database)?, lock_contents(to, database)?);
    let is_different = |line: &&str| !new.contents.lines().any(|new| new == *line);
    if let Some(line) = old.contents.lines().find(is_different) {
        let table = line.split('|').next().unwrap_or_default();
        bail!(
            "{table} in {database} differs between the servers. If a program changed the table \
            during the copy, try again."
        );
    }
    ensure!(old.contents == new.contents, "{database} differs between the servers");
    Ok(old)
}

/// Runs a query with psql and returns the output.
fn query(tools: Tools, query: &str) -> anyhow::Result<String> {
    let mut psql = tools("psql");
    psql.args(["-XAtq", "--set=ON_ERROR_STOP=1", "--dbname", MAINTENANCE, "--command", query]);
    let output = psql.stdin(Stdio::null()).output().context("cannot start psql")?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}", stderr.trim());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(all(test, unix))]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn copy_reports_first_failure_without_waiting_for_other_program() {
        for (dump, restore, why) in [
            (
                "yes",
                "head -c 1 >/dev/null; echo no space >&2; exit 1",
                "pg_restore failed (exit status: 1): no space",
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
