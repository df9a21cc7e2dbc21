//! Undoes migrations by their down files.

use migration_files::Migration;
use tokio_postgres::Client;

use super::{
    apply::{Failed, alone, pause},
    history::applied,
    set::Migrations,
};
use crate::error::Error;

const FORGET: &str = "\
-- store::migrations::forget
DELETE FROM refinery_schema_history WHERE version = $1";

/// The migrations to undo, newest first, with their SQL.
#[derive(Debug)]
pub struct Undo(Vec<(Migration, String)>);

/// The error of a migration without a down file.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0} does not exist. Write the SQL that undoes the migration to this file, or restore a snapshot from before the \
     migration"
)]
struct Missing(String);

/// Another process has undone a migration at the same time.
#[derive(Debug, thiserror::Error)]
#[error("another process has undone {0} at the same time. Nothing was undone here")]
struct Undone(String);

impl Undo {
    /// Plans to undo all migrations after version `to`, or only the last migration if `to` is `None`.
    ///
    /// # Errors
    /// Returns an error if a migration does not have a down file.
    pub async fn plan(
        migrations: &Migrations,
        client: &Client,
        to: Option<i32>,
    ) -> Result<Self, Error> {
        let applied = applied(client).await?;
        let newest = applied.last().map_or(0, |applied| applied.migration.version);
        let to = to.unwrap_or(newest - 1);
        let mut steps = Vec::new();
        for applied in applied.into_iter().rev().filter(|it| it.migration.version > to) {
            let migration = applied.migration;
            let missing = || Missing(migration.file().replace(".sql", ".down.sql"));
            let text = migrations.down(migration.version).ok_or_else(missing);
            let text = text.map_err(Error::other)?.to_owned();
            steps.push((migration, text));
        }
        Ok(Self(steps))
    }

    /// Returns the migrations to undo, newest first.
    pub fn migrations(&self) -> impl Iterator<Item = &Migration> {
        self.0.iter().map(|(migration, _)| migration)
    }
}

/// Undoes the planned migrations in one transaction.
///
/// # Errors
/// Returns the error of the failed query. In this case, nothing was undone.
pub async fn undo(client: &mut Client, plan: &Undo) -> Result<(), Error> {
    alone(client, async |client| {
        let mut attempt = 0;
        while let Err(error) = all(client, plan).await {
            pause(attempt, error).await?;
            attempt += 1;
        }
        Ok(())
    })
    .await
}

async fn all(client: &mut Client, plan: &Undo) -> Result<(), Error> {
    let transaction = client.transaction().await?;
    for (migration, text) in &plan.0 {
        let failed = |cause| Error::other(Failed("undo", migration.stem(), cause));
        transaction.batch_execute(text).await.map_err(failed)?;
        if transaction.execute(FORGET, &[&migration.version]).await? == 0 {
            return Err(Error::other(Undone(migration.stem())));
        }
    }
    Ok(transaction.commit().await?)
}
