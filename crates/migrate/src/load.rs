//! Replaces the database with a dump. xtask loads the dump into a second database with PostgreSQL's tools. This module
//! creates the second database before, and swaps the two databases after.

use anyhow::{Context, bail};
use config::{Config, Profile};
use db::{Client, admin, migrations};

use crate::{
    accounts,
    connection::{connect, database_name},
    snapshots,
};

/// Creates an empty database for the dump, and returns its name. Drops the database of an earlier, unfinished load.
pub async fn prepare(config: &Config) -> anyhow::Result<String> {
    let loaded = loaded(config)?;
    let server = connect(config, Some(admin::MAINTENANCE)).await?;
    admin::drop(&server, &loaded).await?;
    admin::create(&server, &loaded).await?;
    Ok(format!("{loaded}\n"))
}

/// Applies missing migrations to the loaded database, and puts it in the place of the database in use. The replaced
/// database is kept as an automatic snapshot, unless `keep` is false.
///
/// # Errors
/// Returns an error if the dump is from another application or its schema is newer. In this case, nothing changes.
pub async fn finish(config: &Config, keep: bool) -> anyhow::Result<String> {
    let (name, loaded) = (database_name(config)?, loaded(config)?);
    let mut output = {
        let mut client = connect(config, Some(&loaded)).await?;
        migrate(&mut client).await?
    };
    if config.profile == Profile::Production {
        output += &accounts::warning(&connect(config, Some(&loaded)).await?).await?;
    }
    let back = snapshots::put(config, &loaded, "load", keep).await?;
    Ok(format!("{output}loaded into {name}, which is at version {}\n{back}", migrations::latest()))
}

/// Drops the loaded database.
pub async fn abandon(config: &Config) -> anyhow::Result<String> {
    let server = connect(config, Some(admin::MAINTENANCE)).await?;
    admin::drop(&server, &loaded(config)?).await?;
    Ok(String::new())
}

async fn migrate(client: &mut Client) -> anyhow::Result<String> {
    let (applied, latest) = (migrations::applied(client).await?, migrations::latest());
    let Some(version) = applied.last().map(|applied| applied.migration.version) else {
        bail!(
            "the dump is from another application, because it does not contain migrations of this project"
        );
    };
    if version > latest {
        bail!(
            "the dump has schema version {version}, but this checkout has only {latest}. Update this checkout \
            (git pull), or load the dump in a checkout with migration {version}."
        );
    }
    let mismatch = "the dump was made with other migrations than this checkout has. Check out the branch of the dump";
    migrations::apply(migrations::embedded(), client, None).await.context(mismatch)?;
    admin::analyze(client).await?;
    Ok(if version < latest {
        format!("migrated the dump from version {version} to {latest}\n")
    } else {
        String::new()
    })
}

/// Returns the name of the database for a dump.
fn loaded(config: &Config) -> anyhow::Result<String> {
    Ok(format!("{}__loaded", database_name(config)?))
}
