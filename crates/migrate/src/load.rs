//! A dump takes the place of the database. It is loaded into a database beside it by PostgreSQL's own
//! tools, which are elsewhere; here is what comes before and after. Until the swap nothing changes.

use anyhow::{Context, bail};
use config::{Config, Profile};
use db::{Client, admin, migrations};

use crate::{
    accounts,
    connection::{connect, database_name},
    snapshots,
};

/// Makes an empty database for the dump, and returns its name. One that a killed `load` left is dropped.
pub async fn prepare(config: &Config) -> anyhow::Result<String> {
    let loaded = loaded(config)?;
    let server = connect(config, Some(admin::MAINTENANCE)).await?;
    admin::drop(&server, &loaded).await?;
    admin::create(&server, &loaded).await?;
    Ok(format!("{loaded}\n"))
}

/// Brings what was loaded to the newest schema, and puts it in the place of the database. That one is kept
/// as an automatic snapshot, unless `keep` is false.
///
/// # Errors
/// The dump is of something else, or of a schema that this version does not know; nothing is changed.
pub async fn finish(config: &Config, keep: bool) -> anyhow::Result<String> {
    let (name, loaded) = (database_name(config)?, loaded(config)?);
    let mut said = {
        let mut client = connect(config, Some(&loaded)).await?;
        migrate(&mut client).await?
    };
    if config.profile == Profile::Production {
        said += &accounts::warning(&connect(config, Some(&loaded)).await?).await?;
    }
    let back = snapshots::put(config, &loaded, "load", keep).await?;
    Ok(format!("{said}loaded into {name}, which is at version {}\n{back}", migrations::latest()))
}

/// Drops what was loaded.
pub async fn abandon(config: &Config) -> anyhow::Result<String> {
    let server = connect(config, Some(admin::MAINTENANCE)).await?;
    admin::drop(&server, &loaded(config)?).await?;
    Ok(String::new())
}

async fn migrate(client: &mut Client) -> anyhow::Result<String> {
    let (applied, latest) = (migrations::applied(client).await?, migrations::latest());
    let Some(version) = applied.last().map(|applied| applied.migration.version) else {
        bail!("the dump is of another kind of database: no migration of ours was applied in it");
    };
    if version > latest {
        bail!(
            "the dump has schema version {version}, and this checkout knows {latest}: load it where \
            migration {version} is, or update this checkout (git pull)"
        );
    }
    let mended = "the dump was made with other migrations than this checkout has: load it on the \
        branch that it comes from";
    migrations::apply(migrations::embedded(), client, None).await.context(mended)?;
    admin::analyze(client).await?;
    Ok(if version < latest {
        format!("migrated the dump from version {version} to {latest}\n")
    } else {
        String::new()
    })
}

/// The database that a dump is loaded into.
fn loaded(config: &Config) -> anyhow::Result<String> {
    Ok(format!("{}__loaded", database_name(config)?))
}
