//! Checks and backs up the database of a server before a release changes its schema.

use anyhow::{Context, bail};
use serde::Deserialize;

use crate::{
    image::{self, Images},
    server::Server,
    transfer,
};
use context::{migration_lint, process, project::Project};

/// A migration that is not applied yet.
#[derive(Debug, Deserialize)]
pub struct Migration {
    version: u32,
    name: String,
}

/// The schema of the database, compared with a release.
#[derive(Debug, Deserialize)]
pub struct SchemaStatus {
    /// The version of the schema, or 0 if the database is empty.
    version: u32,
    /// The migrations of the release that are not applied yet.
    pub pending: Vec<Migration>,
}

/// Returns whether `DATABASE_URL` names an external database.
pub fn is_elsewhere(server: &Server) -> bool {
    server.settings.variable("DATABASE_URL").is_some()
}

/// Returns the schema status that the migration tool of the release reports.
pub fn status(server: &Server, images: &Images) -> anyhow::Result<SchemaStatus> {
    let status = process::output(&mut server.migrate(images, &["status", "--json"]))?;
    serde_json::from_str(&status).context("`migrate status` has an unknown output format")
}

/// Lists migrations by version and name.
pub fn names(pending: &[Migration]) -> String {
    let names: Vec<_> = pending.iter().map(|it| format!("{} {}", it.version, it.name)).collect();
    if names.is_empty() { "nothing to apply".to_owned() } else { names.join(", ") }
}

/// Checks that the pending migrations do not block or break the running release, and returns their names.
///
/// # Errors
/// A migration is unsafe. The error describes the problem and the fix.
pub fn check(project: &Project, status: &SchemaStatus) -> anyhow::Result<String> {
    if status.version > 0 && !status.pending.is_empty() {
        migration_lint::check_after(project, status.version)?;
    }
    Ok(names(&status.pending))
}

/// Backs up the database and verifies the backup by restoring it. Does nothing if the database is empty or external, or
/// if no migration is pending. Returns the result as text.
pub fn back_up(server: &Server, images: &Images, status: &SchemaStatus) -> anyhow::Result<String> {
    if is_elsewhere(server) {
        return Ok("skipped, because the database is external".to_owned());
    }
    if status.pending.is_empty() || status.version == 0 {
        return Ok("not needed".to_owned());
    }
    // The service copies the backup to BACKUP_TARGET, so a failing store does not stop a deployment.
    let output = process::output(&mut server.backup(images, &["local"]))?;
    let verified = output.lines().find(|line| line.contains("restored"));
    Ok(verified.unwrap_or_default().to_owned())
}

/// Checks that a release supports the current schema of the database.
///
/// # Errors
/// The schema is newer than the release.
pub fn must_fit(server: &Server, running: &Images, target: &Images) -> anyhow::Result<()> {
    let label = transfer::label(server, &target.api, "slipway.schema")?;
    let known: u32 = label.parse().context(
        "the image does not have the label slipway.schema. Build it with cargo xtask deploy.",
    )?;
    let found = status(server, running)?.version;
    if found > known {
        bail!(
            "the database schema has version {found}, but {} supports only versions up to {known}. If the newer \
             migrations only add tables or columns, pass --keep-schema. Otherwise fix the problem in a new release, \
             or restore a backup from {}, which loses all later changes.",
            image::tag_of(&target.api),
            server.backup_folder().display()
        );
    }
    Ok(())
}
