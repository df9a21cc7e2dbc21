//! The commands of the schema: apply, preview, undo and print migrations.

use std::fmt::Write as _;

use anyhow::{Context, bail};
use config::{Config, Profile};
use db::{
    Client, admin,
    migrations::{self, Applied, Effect, Migration, Undo},
};

use crate::{
    connection::{connect, database_name},
    snapshots,
};

/// The width of `applied 2026-01-01T00:00:00Z by an older tool`.
const WIDEST: usize = 45;

/// Applies the pending migrations up to `to`, and lists them.
///
/// A release that is older than the schema applies nothing, so that a rollback can start.
pub(crate) async fn apply(
    config: &Config,
    client: &mut Client,
    to: Option<i32>,
) -> anyhow::Result<String> {
    let migrations = migrations::embedded();
    let mut output = String::new();
    if config.profile == Profile::Production
        && let Some(newer) = newer(&migrations::applied(client).await?)
    {
        return Ok(format!(
            "nothing to apply, because the schema is newer than this release: it has {newer}\n"
        ));
    }
    let applied = migrations::apply(migrations, client, to).await?;
    for migration in &applied {
        writeln!(output, "applied {} {}", migration.version, migration.name)?;
    }
    if applied.is_empty() {
        let applied = migrations::applied(client).await?;
        writeln!(output, "nothing to apply: the schema is at version {}", version(&applied))?;
    }
    Ok(output)
}

/// Returns the newest migration that only the database has, if all migrations of this binary are applied unchanged.
fn newer(applied: &[Applied]) -> Option<String> {
    let known = migrations::known();
    let has = |it: &Migration| applied.iter().any(|applied| applied.migration == *it);
    let newest = &applied.last()?.migration;
    (newest.version > migrations::latest() && known.iter().all(has)).then(|| newest.stem())
}

fn version(applied: &[Applied]) -> i32 {
    applied.last().map_or(0, |applied| applied.migration.version)
}

/// Lists the applied and the pending migrations, as a table or as JSON.
pub async fn status(config: &Config, json: bool) -> anyhow::Result<String> {
    let client = connect(config, None).await?;
    let applied = migrations::applied(&client).await?;
    let pending = migrations::embedded().pending(&applied, None);
    let problems = migrations::embedded().problems(&applied);
    if json {
        let status = serde_json::json!({
            "version": version(&applied),
            "applied": applied.iter().map(|applied| serde_json::json!({
                "version": applied.migration.version,
                "name": applied.migration.name,
                "checksum": applied.migration.checksum,
                "applied_on": applied.applied_on,
                "applied_by": applied.applied_by,
            })).collect::<Vec<_>>(),
            "pending": pending.iter().map(|migration| serde_json::json!({
                "version": migration.version,
                "name": migration.name,
                "checksum": migration.checksum,
            })).collect::<Vec<_>>(),
            "problems": problems.iter().map(ToString::to_string).collect::<Vec<_>>(),
        });
        return Ok(format!("{status}\n"));
    }
    let names = applied.iter().map(|applied| &applied.migration).chain(&pending);
    let width = names.map(|migration| migration.name.len()).max().unwrap_or(0);
    let mut output = String::new();
    let mut line = |migration: &Migration, state: &str| {
        let Migration { version, name, checksum } = migration;
        writeln!(output, "{version:>4}  {name:width$}  {state:WIDEST$}  {checksum}")
    };
    for Applied { migration, applied_on, applied_by } in &applied {
        let seconds = applied_on.get(..19).unwrap_or(applied_on);
        let by = applied_by.as_deref().unwrap_or("an older tool");
        line(migration, &format!("applied {seconds}Z by {by}"))?;
    }
    for migration in &pending {
        line(migration, "pending")?;
    }
    for problem in problems {
        writeln!(output, "problem: {problem}")?;
    }
    Ok(output)
}

/// Prints the pending migrations and their locks, which are observed in a scratch database with the same schema and no
/// rows.
pub async fn dry_run(config: &Config, to: Option<i32>) -> anyhow::Result<String> {
    let migrations = migrations::embedded();
    let server = connect(config, Some(admin::MAINTENANCE)).await?;
    let name = database_name(config)?;
    let applied = if admin::exists(&server, &name).await? {
        migrations::applied(&connect(config, None).await?).await?
    } else {
        Vec::new()
    };
    if let [problem, ..] = &migrations.problems(&applied)[..] {
        bail!("{problem}");
    }
    let pending = migrations.pending(&applied, to);
    if pending.is_empty() {
        return Ok(format!("nothing to apply: the schema is at version {}\n", version(&applied)));
    }
    let scratch = format!("{name}__dry_run");
    admin::drop(&server, &scratch).await?;
    admin::create(&server, &scratch)
        .await
        .context("cannot create the scratch database that a dry run needs")?;
    let tried = preview(config, &scratch, version(&applied), &pending).await;
    admin::drop(&server, &scratch).await?;
    tried
}

async fn preview(
    config: &Config,
    scratch: &str,
    version: i32,
    pending: &[Migration],
) -> anyhow::Result<String> {
    let migrations = migrations::embedded();
    let mut client = connect(config, Some(scratch)).await?;
    migrations::apply(migrations, &mut client, Some(version)).await?;
    let mut output = String::new();
    for migration in pending {
        let text = migrations.text(migration);
        writeln!(output, "-- {}\n{}\n", migration.file(), text.trim_end())?;
        let effects = migrations::preview(migrations, &mut client, migration).await?;
        for Effect { table, blocks, rewrites } in &effects {
            let rewrites = if *rewrites { ", and rewrites every row" } else { "" };
            writeln!(output, "-- blocks {blocks} of {table}{rewrites}")?;
        }
        if effects.is_empty() {
            writeln!(output, "-- blocks no queries")?;
        }
        writeln!(output)?;
    }
    Ok(output)
}

/// Undoes the migrations after version `to`, or the last migration. Takes an automatic snapshot before, unless `keep`
/// is false.
pub async fn down(config: &Config, to: Option<i32>, keep: bool) -> anyhow::Result<String> {
    let mut client = connect(config, None).await?;
    let plan = Undo::plan(migrations::embedded(), &client, to).await?;
    if plan.migrations().next().is_none() {
        return Ok("nothing to undo\n".to_owned());
    }
    drop(client);
    let back =
        if keep { snapshots::automatic(config, "migrate down").await? } else { String::new() };
    client = connect(config, None).await?;
    migrations::undo(&mut client, &plan).await?;
    let mut output = String::new();
    for migration in plan.migrations() {
        writeln!(output, "undid {} {}", migration.version, migration.name)?;
    }
    Ok(output + &back)
}

/// Returns the schema of all migrations of this binary as text, from a scratch database.
pub async fn schema(config: &Config) -> anyhow::Result<String> {
    let server = connect(config, Some(admin::MAINTENANCE)).await?;
    let scratch = format!("{}__schema", database_name(config)?);
    admin::drop(&server, &scratch).await?;
    admin::create(&server, &scratch).await?;
    let described = async {
        let mut client = connect(config, Some(&scratch)).await?;
        migrations::apply(migrations::embedded(), &mut client, None).await?;
        Ok(migrations::describe(&client).await?)
    }
    .await;
    admin::drop(&server, &scratch).await?;
    described
}
