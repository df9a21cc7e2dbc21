//! psql on this machine, and the database of a new cluster.

use std::process::Command;

use anyhow::bail;
use context::settings::Settings;
use local_postgres::Installation;

/// Returns psql, connected to a database of the stack.
pub(super) fn psql(
    installation: &Installation,
    settings: &Settings,
    port: u16,
    database: &str,
) -> Command {
    let mut psql = Command::new(installation.program("psql"));
    psql.args(["--host", "127.0.0.1", "--port", &port.to_string()])
        .args(["--username", &settings.user, "--dbname", database])
        // Not in the arguments, which every user of this machine can see.
        .env("PGPASSWORD", &settings.password);
    psql
}

/// Makes the database if it is missing, as the container's image does.
pub(super) fn create_if_missing(psql: impl Fn() -> Command, database: &str) -> anyhow::Result<()> {
    // The name holds no quote: `Settings` takes letters, digits and -._~ only.
    let exists = format!("SELECT 1 FROM pg_database WHERE datname = '{database}'");
    let create = format!("CREATE DATABASE \"{database}\"");
    for statement in [exists, create] {
        let ran = psql().args(["-At", "-c", &statement]).output()?;
        if !ran.status.success() {
            bail!(
                "{}\nA cluster keeps the user and the password it was made with: set those of .env back, \
                or have `cargo xtask doctor --fix` change the password there",
                String::from_utf8_lossy(&ran.stderr).trim()
            );
        }
        if !ran.stdout.is_empty() {
            break;
        }
    }
    Ok(())
}
