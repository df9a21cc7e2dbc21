//! The database of a server: what a release would change in it, and a backup before the change.

use anyhow::{Context, bail};
use serde::Deserialize;

use crate::{
    image::{self, Images},
    server::Server,
    transfer,
};
use context::{migration_lint, process, project::Project};

/// A migration that is not applied.
#[derive(Debug, Deserialize)]
pub struct Migration {
    version: u32,
    name: String,
}

/// How the database stands to a release.
#[derive(Debug, Deserialize)]
pub struct SchemaStatus {
    /// Of the schema; 0 where there is none yet.
    version: u32,
    /// What the release has and the database has not.
    pub pending: Vec<Migration>,
}

/// Whether the database is not the stack's own.
pub fn is_elsewhere(server: &Server) -> bool {
    server.settings.variable("DATABASE_URL").is_some()
}

/// Asks the migration tool of a release.
pub fn status(server: &Server, images: &Images) -> anyhow::Result<SchemaStatus> {
    let status = process::output(&mut server.migrate(images, &["status", "--json"]))?;
    serde_json::from_str(&status).context("`migrate status` in an unknown form")
}

/// Lists migrations by version and name.
pub fn names(pending: &[Migration]) -> String {
    let names: Vec<_> = pending.iter().map(|it| format!("{} {}", it.version, it.name)).collect();
    if names.is_empty() { "nothing to apply".to_owned() } else { names.join(", ") }
}

/// Looks for what would hold up or break the release that serves.
///
/// # Errors
/// There is something: what, and the safe way.
pub fn check(project: &Project, status: &SchemaStatus) -> anyhow::Result<String> {
    if status.version > 0 && !status.pending.is_empty() {
        migration_lint::check_after(project, status.version)?;
    }
    Ok(names(&status.pending))
}

/// Backs the database up and restores that to prove it, unless there is nothing in it or nothing would
/// change. Returns what the drill found.
pub fn back_up(server: &Server, images: &Images, status: &SchemaStatus) -> anyhow::Result<String> {
    if is_elsewhere(server) {
        return Ok("left to whoever runs the database".to_owned());
    }
    if status.pending.is_empty() || status.version == 0 {
        return Ok("not needed".to_owned());
    }
    let said = process::output(&mut server.backup(images, &["once"]))?;
    // The last line is the drill's.
    Ok(said.lines().last().unwrap_or_default().to_owned())
}

/// Whether a release can serve on the schema that the database has.
///
/// # Errors
/// It cannot: the schema has moved on since.
pub fn must_fit(server: &Server, running: &Images, target: &Images) -> anyhow::Result<()> {
    let label = transfer::label(server, &target.api, "slipway.schema")?;
    let known: u32 = label.parse().context("the image has no label slipway.schema")?;
    let found = status(server, running)?.version;
    if found > known {
        bail!(
            "the database's schema is at version {found}, and {} knows it up to {known}. It runs on it if \
             what came since only adds, as `migrate check` asks: then `--keep-schema`. Else mend what is \
             wrong in a new release, or go back to a backup in {}, which loses what was written since",
            image::tag_of(&target.api),
            server.backup_folder().display()
        );
    }
    Ok(())
}
