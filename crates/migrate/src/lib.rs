//! The commands of the migration tool. Every function returns the text to print.

mod accounts;
pub mod branches;
mod connection;
mod database_copies;
pub mod load;
mod privileges;
mod rows;
mod schema;
pub mod snapshots;
mod synthetic;

use std::fmt::Write as _;

use anyhow::bail;
use config::{Config, Profile};
use db::{Client, migrations};

use connection::{connect, create_database_if_missing, database_name};

pub use accounts::{DEVELOPMENT_PASSWORD, create_admin, revoke_tokens, token};
pub use privileges::create_roles;
pub use rows::seed_rows;
pub use schema::{down, dry_run, schema, status};

/// Applies the pending migrations up to `to`. With `seed`, loads the sample rows into a new database.
pub async fn up(config: &Config, seed: bool, to: Option<i32>) -> anyhow::Result<String> {
    let mut output = String::new();
    if let Some(name) = create_database_if_missing(config).await? {
        writeln!(output, "created the database {name}")?;
    }
    output += &create_roles(config).await?;
    let mut client = connect(config, None).await?;
    let is_new = migrations::applied(&client).await?.is_empty();
    // Before the migrations, so that a migration can change the privileges of its tables.
    privileges::grant(config, &client).await?;
    output += &schema::apply(config, &mut client, to).await?;
    privileges::grant(config, &client).await?;
    if seed && is_new && config.profile != Profile::Production {
        writeln!(output, "loaded {} sample persons", load(&client).await?)?;
    }
    if config.profile == Profile::Production {
        output += &accounts::warning(&client).await?;
    }
    Ok(output)
}

/// Replaces the database with a new one that has all migrations and, unless `empty`, the sample rows. Keeps the old
/// database as an automatic snapshot, unless `keep` is false.
pub async fn recreate(config: &Config, empty: bool, keep: bool) -> anyhow::Result<String> {
    if config.profile == Profile::Production {
        bail!("refused, because this command would drop all rows in production (APP_ENV)");
    }
    let fill = async |fresh: &str| fill(config, fresh, empty).await;
    let (rows, back) = snapshots::replace(config, "recreate-db", keep, fill).await?;
    let (name, version) = (database_name(config)?, migrations::latest());
    Ok(format!("recreated {name} at version {version} with {rows} sample persons\n{back}"))
}

/// Applies all migrations to the database `name`, loads the sample rows and returns their number.
async fn fill(config: &Config, name: &str, empty: bool) -> anyhow::Result<u64> {
    let mut client = db::connect(&config.database.url, Some(name)).await?;
    migrations::apply(migrations::embedded(), &mut client, None).await?;
    Ok(if empty { 0 } else { load(&client).await? })
}

/// Loads the missing sample rows.
pub async fn seed(config: &Config) -> anyhow::Result<String> {
    if config.profile == Profile::Production {
        bail!(
            "refused, because the sample rows are only for development, and APP_ENV is production"
        );
    }
    let client = connect(config, None).await?;
    Ok(format!("loaded {} sample persons\n", load(&client).await?))
}

/// Loads the missing sample rows and development accounts, and returns the number of new persons.
async fn load(client: &Client) -> anyhow::Result<u64> {
    accounts::seed(client).await?;
    Ok(db::seed(client).await?)
}
