//! Production secrets, which are generated once on the server and stored there as files.

use std::{env, fs};

use anyhow::{Context, bail};

use crate::{
    certificates,
    image::Images,
    schema,
    secret_files::{copy, in_folder, private_folder, write},
    server::Server,
};
use context::{env_file, process, project::Project, settings::Settings};

/// Creates the missing secrets in the current folder. The passwords never leave the server. With an external database,
/// the API has the role of `database_url` unless there is an `application_url`.
const GENERATE: &str = r#"
umask 022
random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
[ -s postgres_password ] || random >postgres_password
[ -s backup_password ] || random >backup_password
if [ ! -s database_url ]; then
    printf 'postgresql://%s:%s@postgres:5432/%s' "$1" "$(cat postgres_password)" "$2" >database_url
fi
if [ ! -s application_url ] && [ "$3" = external ]; then
    ln -sf database_url application_url
elif [ ! -s application_url ]; then
    printf 'postgresql://%s_application:%s@postgres:5432/%s' "$1" "$(random)" "$2" >application_url
fi
[ -s tls_certificate ] && [ -s tls_key ] || echo no certificate
"#;

/// Writes other passwords of the three roles to the secrets in the current folder. The files are overwritten in place,
/// because containers have mounted them.
const NEW_PASSWORDS: &str = r#"
random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
replace() {
    url=$(sed "s|://\([^:@/]*\):[^@/]*@|://\1:$2@|" "$1")
    printf %s "$url" >"$1"
}
owner=$(random) application=$(random)
replace database_url "$owner"
printf %s "$owner" >postgres_password
replace application_url "$application"
# Only exists on the machine of the checkout.
[ ! -e application_password ] || printf %s "$application" >application_password
random >backup_password
"#;

/// Gives the owner the password in the secret. For psql in the container of PostgreSQL.
const ALTER_ROLE: &str = r#"
\set password `cat /run/secrets/postgres_password`
ALTER ROLE :"owner" PASSWORD :'password';
"#;

/// Creates the missing secrets and copies the certificate to the server.
///
/// # Errors
/// A remote server does not have a certificate, or nginx does not accept the new certificate.
pub fn ensure(server: &Server, image: &str) -> anyhow::Result<()> {
    let Settings { user, database, .. } = server.settings;
    certificates::copy_files(server, image)?;
    certificates::copy_authority(server, image)?;
    copy_store_key(server, image)?;
    let output = if server.host.is_none() {
        generate_locally(server)?
    } else {
        let place = if schema::is_elsewhere(server) { "external" } else { "here" };
        process::output(&mut in_folder(server, image, GENERATE, &[user, database, place]))?
    };
    if output.is_empty() {
        return Ok(());
    }
    certificates::create(server, image)
}

/// Does the work of [`GENERATE`] on this machine, with the password from `.env`, which the local database uses.
fn generate_locally(server: &Server) -> anyhow::Result<String> {
    let Settings { user, password, database, .. } = server.settings;
    let is_example = ["slipway", "postgres", "password"].contains(&password.as_str());
    let url = server.settings.variable("DATABASE_URL");
    if url.is_none() && is_example {
        bail!(
            "POSTGRES_PASSWORD in .env is missing or publicly known. Generate a password with `openssl rand -hex 24`, \
             or run `cargo xtask doctor --fix`."
        );
    }
    let folder = private_folder(server)?;
    let secret = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
    // The passwords of the other roles stay, because rolling updates use them.
    let kept = |name: &str| match secret(name) {
        text if text.is_empty() => env_file::password(),
        text => Ok(text),
    };
    let role = |user: &str, password: &str| {
        format!("postgresql://{user}:{password}@postgres:5432/{database}")
    };
    let application_url = match (server.settings.variable("DATABASE_APPLICATION_URL"), &url) {
        (Some(given), _) => given,
        // The role of an external database.
        (None, Some(url)) => url.clone(),
        (None, None) => {
            let password = kept("application_password")?;
            write(&folder.join("application_password"), &password)?;
            role(&format!("{user}_application"), &password)
        }
    };
    write(&folder.join("postgres_password"), password)?;
    write(&folder.join("database_url"), &url.unwrap_or_else(|| role(user, password)))?;
    write(&folder.join("application_url"), &application_url)?;
    write(&folder.join("backup_password"), &kept("backup_password")?)?;
    let is_there = |name: &str| !secret(name).is_empty();
    let has_certificate = is_there("tls_certificate") && is_there("tls_key");
    Ok(if has_certificate { String::new() } else { "no certificate".to_owned() })
}

/// Replaces the passwords of the owner, the API and the backups. The API keeps its connections, and opens further
/// connections with the new password. The passwords never leave the server.
///
/// # Errors
/// The settings contain a URL of the database, or a role cannot be changed. Run the command again after an error.
pub fn rotate_passwords(server: &Server, project: &Project, images: &Images) -> anyhow::Result<()> {
    for url in ["DATABASE_URL", "DATABASE_APPLICATION_URL"] {
        if server.settings.variable(url).is_some() {
            bail!(
                "{url} is set, so its password is not generated. Change the password in PostgreSQL and in {url}, and \
                 run `cargo xtask deploy`."
            );
        }
    }
    if server.host.is_none() && env::var_os("POSTGRES_PASSWORD").is_some() {
        bail!(
            "POSTGRES_PASSWORD is set in the shell, which overrides .env. Unset POSTGRES_PASSWORD."
        );
    }
    let Settings { user, database, .. } = server.settings;
    let postgres = server
        .container("postgres")?
        .context("PostgreSQL is not running. Run cargo xtask deploy.")?;
    process::output(&mut in_folder(server, &images.proxy, NEW_PASSWORDS, &[]))?;
    if server.host.is_none() {
        let password = fs::read_to_string(server.secrets_folder().join("postgres_password"))?;
        env_file::set(&project.root, &[("POSTGRES_PASSWORD", &password)])?;
    }
    let mut psql = server.docker(["exec", "--interactive", &postgres, "psql", "--no-psqlrc"]);
    psql.args(["--quiet", "--set=ON_ERROR_STOP=1", "--username", user, "--dbname", database]);
    process::run_with_input(psql.arg(format!("--set=owner={user}")), ALTER_ROLE)
        .and_then(|()| process::output(&mut server.migrate(images, &["roles"])))
        .context(
            "the secrets contain new passwords, but PostgreSQL does not use all of them yet. Run the command again.",
        )?;
    // This container reads the password when it starts.
    if let Some(backup) = server.container("backup")? {
        process::output(&mut server.docker(["restart", &backup]))?;
    }
    Ok(())
}

/// Copies the secret key of the store in BACKUP_TARGET to the server. Without a target, no container mounts the file.
fn copy_store_key(server: &Server, image: &str) -> anyhow::Result<()> {
    if server.settings.variable("BACKUP_TARGET").is_none() {
        return Ok(());
    }
    let key = server.settings.variable("BACKUP_S3_SECRET_ACCESS_KEY").unwrap_or_default();
    copy(server, image, "backup_s3_secret_access_key", &key)
}

#[cfg(all(test, unix))]
mod tests;
