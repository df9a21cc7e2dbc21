//! Calls psql on this machine and creates the database of a new cluster.

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
    let mut psql = local_postgres::program(installation.program("psql"));
    psql.args(["--host", "127.0.0.1", "--port", &port.to_string()])
        .args(["--username", &settings.user, "--dbname", database])
        // All users of this machine can see arguments, so the password must not be an argument.
        .env("PGPASSWORD", &settings.password);
    psql
}

/// Creates the database if it is missing, as the container image does.
pub(super) fn create_if_missing(psql: impl Fn() -> Command, database: &str) -> anyhow::Result<()> {
    // The name needs no escaping, because `Settings` rejects names with other characters than letters, digits and -._~.
    let exists = format!("SELECT 1 FROM pg_database WHERE datname = '{database}'");
    let create = format!("CREATE DATABASE \"{database}\"");
    for query in [exists, create] {
        let ran = psql().args(["--no-psqlrc", "-At", "-c", &query]).output()?;
        if !ran.status.success() {
            bail!(
                "{}\nThe cluster keeps the user and the password it was created with. Restore these values in .env, \
                or run `cargo xtask doctor --fix` to change the password of the cluster.",
                String::from_utf8_lossy(&ran.stderr).trim()
            );
        }
        if !ran.stdout.is_empty() {
            break;
        }
    }
    Ok(())
}
