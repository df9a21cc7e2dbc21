//! The archive of the write-ahead log, and point-in-time recovery from it.

use std::path::PathBuf;

use anyhow::{Context, bail};

use crate::{image::Images, server::Server};
use context::process;

/// The service that makes base backups.
pub const SERVICE: &str = "archive";

/// Returns the folder of the archive on the server.
pub fn folder(server: &Server) -> PathBuf {
    server.backup_folder().join("archive")
}

/// Creates the folder of the archive for the user of PostgreSQL, because Docker would create it for root. Must be
/// called before the database is started.
pub fn create_folder(server: &Server, images: &Images) -> anyhow::Result<()> {
    if !server.settings.archives {
        return Ok(());
    }
    let mount = format!("{}:/archive", folder(server).display());
    let mut run = server.docker(["run", "--rm", "--network", "none", "--user", "0", "--volume"]);
    run.args([&mount, "--entrypoint", "install", &images.postgres]);
    process::output(run.args(["-d", "-o", "postgres", "-g", "postgres", "-m", "700", "/archive"]))?;
    Ok(())
}

/// Runs `docker/backup/archive.sh` in the container of the service, and returns its output.
///
/// # Errors
/// The service is not running, or the script fails. The error contains only the message of the script.
pub fn run(server: &Server, arguments: &[&str]) -> anyhow::Result<String> {
    let container = server
        .container(SERVICE)?
        .context("the service `archive` is not running. Run cargo xtask deploy.")?;
    let script = ["exec", &container, "sh", "/scripts/archive.sh"];
    let output = server.docker(script).args(arguments).output().context("cannot start docker")?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        bail!("{}", message.trim().replace("ERROR: ", ""));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Replaces the cluster by another one with `swap` or `back` of `archive.sh`, and applies missing migrations. Returns
/// the folder with the replaced cluster.
///
/// # Errors
/// PostgreSQL does not start on the other cluster, or a migration fails.
pub fn switch(server: &Server, images: &Images, how: &str) -> anyhow::Result<String> {
    if let Some(postgres) = server.container("postgres")? {
        process::output(&mut server.docker(["stop", &postgres]))?;
    }
    // If the cluster cannot be replaced, PostgreSQL starts on the same cluster again.
    let replaced = run(server, &[how]);
    server.start_database(images)?;
    let replaced = replaced?;
    process::output(&mut server.migrate(images, &["up"]))?;
    // The service starts the archive of the other cluster now, and not after its pause.
    if let Some(service) = server.container(SERVICE)? {
        process::output(&mut server.docker(["restart", &service]))?;
    }
    Ok(replaced)
}

/// Removes the service, which may be running from a deployment with BACKUP_CONTINUOUS. Ends the archive, because WAL
/// files will be missing in it.
pub fn remove_service(server: &Server) -> anyhow::Result<()> {
    if let Some(service) = server.container(SERVICE)? {
        run(server, &["stop"])?;
        process::output(&mut server.docker(["rm", "--force", &service]))?;
    }
    Ok(())
}
