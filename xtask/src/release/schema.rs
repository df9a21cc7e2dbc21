//! The database of a server: what a release would change in it, and a copy before it does.

use anyhow::{Context, bail};
use serde::Deserialize;

use super::{
    Server,
    image::{self, Images},
};
use crate::process;

/// How many dumps are kept.
const KEPT: usize = 10;

/// A migration that is not applied.
#[derive(Debug, Deserialize)]
pub(crate) struct Migration {
    version: u32,
    name: String,
}

#[derive(Deserialize)]
struct Status {
    version: u32,
    pending: Vec<Migration>,
}

/// Whether the database is not the stack's own.
pub(crate) fn is_elsewhere(server: &Server) -> bool {
    server.settings.variable("DATABASE_URL").is_some()
}

/// What a release has and the database has not.
pub(crate) fn pending(server: &Server, images: &Images) -> anyhow::Result<Vec<Migration>> {
    Ok(status(server, images)?.pending)
}

fn status(server: &Server, images: &Images) -> anyhow::Result<Status> {
    let status = process::ask(&mut server.migrate(images, &["status", "--json"]))?;
    serde_json::from_str(&status).context("`migrate status` in an unknown form")
}

pub(crate) fn names(pending: &[Migration]) -> String {
    let names: Vec<_> = pending.iter().map(|it| format!("{} {}", it.version, it.name)).collect();
    if names.is_empty() { "nothing to apply".to_owned() } else { names.join(", ") }
}

/// Has the release itself check its migrations, if it can.
pub(crate) fn check(
    server: &Server,
    images: &Images,
    pending: &[Migration],
) -> anyhow::Result<String> {
    let can = process::ask(&mut server.migrate(images, &["check", "--help"])).is_ok();
    if can && !pending.is_empty() {
        process::ask(&mut server.migrate(images, &["check"]))?;
    }
    Ok(names(pending))
}

/// Dumps the database into its volume, unless there is nothing in it or nothing would change.
pub(crate) fn back_up(
    server: &Server,
    images: &Images,
    pending: &[Migration],
) -> anyhow::Result<String> {
    if is_elsewhere(server) {
        return Ok("left to whoever runs the database".to_owned());
    }
    let is_new = pending.iter().any(|migration| migration.version == 1);
    if pending.is_empty() || is_new {
        return Ok("not needed".to_owned());
    }
    let container = server.container("postgres")?.context("the database does not run")?;
    // By rename: a dump that was interrupted is none.
    let script = r#"
        umask 077
        mkdir -p /var/lib/postgresql/backups && cd /var/lib/postgresql/backups
        file=$(date -u +%Y%m%dT%H%M%SZ)-before-$1.dump
        pg_dump --username="$POSTGRES_USER" --format=custom --file=unfinished "$POSTGRES_DB"
        mv unfinished "$file"
        ls -1 *.dump | head -n -$2 | xargs -r rm
        du -h "$file"
    "#;
    let (tag, kept) = (image::tag_of(&images.api), KEPT.to_string());
    let dump = ["exec", &container, "sh", "-euc", script, "sh", tag, &kept];
    Ok(process::ask(&mut server.docker(dump))?.replace('\t', " "))
}

/// Whether a release can serve on the schema that the database has.
///
/// # Errors
/// It cannot: the schema has moved on since.
pub(crate) fn must_fit(server: &Server, running: &Images, target: &Images) -> anyhow::Result<()> {
    let label = image::label(server, &target.api, "slipway.schema")?;
    let known: u32 = label.parse().context("the image has no label slipway.schema")?;
    let found = status(server, running)?.version;
    if found > known {
        bail!(
            "the database's schema is at version {found}, and {} knows it up to {known}: it could not \
             be trusted with it. Mend what is wrong in a new release, or go back to a dump in \
             /var/lib/postgresql/backups, which loses what was written since",
            image::tag_of(&target.api)
        );
    }
    Ok(())
}
