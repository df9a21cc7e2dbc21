//! The database roles of the API and of the backups. Without DATABASE_APPLICATION_URL, the API connects as the owner of
//! the tables.

use anyhow::{Context, bail};
use config::{Config, Profile};
use db::{
    Client, admin,
    privileges::{self, Access, Owner},
};

use crate::connection::{connect, database_name};

/// Creates the roles, and sets the passwords of the settings. Returns a warning if the API has all privileges in
/// production.
///
/// # Errors
/// A role is missing or has another password, and the owner may not create roles.
pub async fn create_roles(config: &Config) -> anyhow::Result<String> {
    let client = connect(config, None).await?;
    let owner = privileges::owner(&client).await?;
    let Some(application) = application(config, &owner)? else {
        let is_production = config.profile == Profile::Production;
        return Ok(if is_production { all_privileges(&owner) } else { String::new() });
    };
    // Roles belong to the server, but a lock belongs to a database. All stacks of a server therefore lock the same
    // database. An external server may not have it, and then the lock protects only this database.
    let server = connect(config, Some(admin::MAINTENANCE)).await.ok();
    privileges::lock(server.as_ref().unwrap_or(&client)).await?;
    create_application(config, &client, &owner, &application).await?;
    if owner.creates_roles {
        privileges::create_group(&client, &sibling(&application, "reader"), &owner.name).await?;
    }
    if let Some(password) = &config.database.backup_password
        && owner.is_superuser
    {
        let backup = sibling(&application, "backup");
        if !privileges::exists(&client, &backup).await? {
            // An interrupted drill of an older release may have left this database, which belongs to another role.
            admin::drop(&client, &format!("{}__drill", database_name(config)?)).await?;
        }
        privileges::set_login(&client, &backup, password).await?;
        privileges::allow_backups(&client, &backup).await?;
    }
    Ok(String::new())
}

/// Grants the existing roles their privileges in the database of `client`.
pub(crate) async fn grant(config: &Config, client: &Client) -> anyhow::Result<()> {
    let owner = privileges::owner(client).await?;
    let Some(application) = application(config, &owner)? else { return Ok(()) };
    let reader = sibling(&application, "reader");
    for (role, access) in [(application, Access::Write), (reader, Access::Read)] {
        if privileges::exists(client, &role).await? {
            privileges::grant(client, &role, access).await?;
        }
    }
    Ok(())
}

/// Grants the privileges in the database `name`, which replaces the database in use.
pub(crate) async fn grant_in(config: &Config, name: &str) -> anyhow::Result<()> {
    grant(config, &connect(config, Some(name)).await?).await
}

async fn create_application(
    config: &Config,
    client: &Client,
    owner: &Owner,
    role: &str,
) -> anyhow::Result<()> {
    let Some(url) = &config.database.application_url else { return Ok(()) };
    // A new password has not arrived in the database yet.
    let logs_in = privileges::exists(client, role).await? && db::connect(url, None).await.is_ok();
    if logs_in {
        return Ok(());
    }
    if !owner.creates_roles {
        bail!(
            "the API cannot log in as {role}, and {} may not create roles. Ask an administrator to run CREATE ROLE \
             \"{role}\" LOGIN PASSWORD '…' with the password in DATABASE_APPLICATION_URL, or remove the variable, so \
             that the API connects as {}",
            owner.name,
            owner.name
        );
    }
    let (_, password) = privileges::login(url)?;
    privileges::set_login(client, role, &password).await?;
    Ok(())
}

/// Returns the role of the API, unless the API connects as the owner.
fn application(config: &Config, owner: &Owner) -> anyhow::Result<Option<String>> {
    let Some(url) = &config.database.application_url else { return Ok(None) };
    let (user, _) = privileges::login(url).context("DATABASE_APPLICATION_URL")?;
    Ok((user != owner.name).then_some(user))
}

/// Returns the name of another role of the stack, such as `slipway_reader` for `slipway_application`.
fn sibling(application: &str, purpose: &str) -> String {
    let stack = application.strip_suffix("_application").unwrap_or(application);
    format!("{stack}_{purpose}")
}

fn all_privileges(owner: &Owner) -> String {
    format!(
        "warning: the API connects as {}, which may change the schema and the audit. Set DATABASE_APPLICATION_URL to \
         give it a role with fewer privileges.\n",
        owner.name
    )
}
