//! The database roles in addition to the owner of the tables: their logins and their privileges in the schema `public`.
//!
//! - The role of the API reads and writes rows. It only adds entries to the audit, and only reads the applied
//!   migrations.
//! - The role for reading can read all rows. It cannot log in: the owner switches to it with `SET ROLE`.
//! - The role of the backups reads all rows, and creates databases to verify backups.

use config::Secret;
use postgres_protocol::password::scram_sha_256;
use tokio_postgres::Client;

use crate::{admin, database, error::Error};

/// The key of the advisory lock for changes of roles and privileges. The number is arbitrary.
const LOCK: i64 = 0x5119_3544;

const TAKE_LOCK: &str = "\
-- store::privileges::lock
SELECT pg_advisory_lock($1)";

const OWNER: &str = "\
-- store::privileges::owner
SELECT rolname::text, rolsuper, rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user";

const EXISTS: &str = "\
-- store::privileges::exists
SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)";

// Names and passwords cannot be parameters, so PostgreSQL itself quotes them in the query to run.
const CREATE: &str = "\
-- store::privileges::create
SELECT format('CREATE ROLE %I', $1::text)";
const SET_PASSWORD: &str = "\
-- store::privileges::set_password
SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', $1::text, $2::text)";
const ADD_MEMBER: &str = "\
-- store::privileges::add_member
SELECT format('GRANT %I TO %I', $1::text, $2::text)";
const ALLOW_BACKUPS: &str = "\
-- store::privileges::allow_backups
SELECT format('ALTER ROLE %1$I CREATEDB; GRANT pg_read_all_data TO %1$I', $1::text)";

const IS_GRANTED: &str = "\
-- store::privileges::is_granted
SELECT EXISTS (
    SELECT FROM pg_default_acl, aclexplode(defaclacl), pg_roles AS role
    WHERE defaclobjtype = 'r' AND defaclnamespace = 'public'::regnamespace
        AND defaclrole = current_user::regrole AND grantee = role.oid AND role.rolname = $1
)";
// Tables that migrations create later get their privileges from the default privileges.
const GRANT: &str = "\
-- store::privileges::grant
SELECT format('
    BEGIN;
    SELECT pg_advisory_xact_lock(%4$s);
    REVOKE CREATE ON SCHEMA public FROM PUBLIC;
    GRANT %2$s ON ALL TABLES IN SCHEMA public TO %1$I;
    GRANT %3$s ON ALL SEQUENCES IN SCHEMA public TO %1$I;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT %2$s ON TABLES TO %1$I;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT %3$s ON SEQUENCES TO %1$I;
    COMMIT', $1::text, $2::text, $3::text, $4::bigint)";
const RESTRICT: &str = "\
-- store::privileges::restrict
SELECT format('REVOKE %s ON public.%I FROM %I', privileges, name, $1::text)
FROM (VALUES
    ('audit_entries', 'UPDATE, DELETE'), ('refinery_schema_history', 'INSERT, UPDATE, DELETE')
) AS restricted (name, privileges)
WHERE to_regclass('public.' || name) IS NOT NULL
    AND has_table_privilege($1::text, to_regclass('public.' || name), privileges)";

/// The role that owns the tables and applies the migrations.
#[derive(Debug)]
pub struct Owner {
    /// The name of the role.
    pub name: String,
    /// True if the role has all privileges on the server.
    pub is_superuser: bool,
    /// True if the role may create roles.
    pub creates_roles: bool,
}

/// The access of a role to all tables of the schema `public`.
#[derive(Debug, Clone, Copy)]
pub enum Access {
    /// Reads rows.
    Read,
    /// Reads and writes rows, except that the audit only grows.
    Write,
}

/// Takes the lock for changes of roles in the client's database. Waits while another connection has it. The lock ends
/// with the connection.
pub async fn lock(client: &Client) -> Result<(), Error> {
    client.execute(TAKE_LOCK, &[&LOCK]).await?;
    Ok(())
}

/// Returns the role of this connection.
pub async fn owner(client: &Client) -> Result<Owner, Error> {
    let row = client.query_one(OWNER, &[]).await?;
    Ok(Owner { name: row.get(0), is_superuser: row.get(1), creates_roles: row.get(2) })
}

/// Returns the user and the password in a database URL.
///
/// # Errors
/// The URL is invalid.
pub fn login(url: &Secret) -> Result<(String, Secret), Error> {
    let (config, _) = database::parse(url)?;
    let password = String::from_utf8_lossy(config.get_password().unwrap_or_default());
    Ok((config.get_user().unwrap_or_default().to_owned(), password.into_owned().into()))
}

/// Returns true if the role exists.
pub async fn exists(client: &Client, role: &str) -> Result<bool, Error> {
    Ok(client.query_one(EXISTS, &[&role]).await?.get(0))
}

/// Creates a role that can log in with this password. An existing role gets the password.
pub async fn set_login(client: &Client, role: &str, password: &Secret) -> Result<(), Error> {
    create_if_missing(client, role).await?;
    // A hash, because the log of the server contains failed queries.
    let hash = scram_sha_256(password.expose().as_bytes());
    admin::run(client, SET_PASSWORD, &[role, &hash]).await
}

/// Creates a role without a login, and allows `member` to switch to it.
pub async fn create_group(client: &Client, role: &str, member: &str) -> Result<(), Error> {
    if create_if_missing(client, role).await? {
        admin::run(client, ADD_MEMBER, &[role, member]).await?;
    }
    Ok(())
}

/// Allows a role to read all databases of the server, and to create databases. Only a superuser can do this.
pub async fn allow_backups(client: &Client, role: &str) -> Result<(), Error> {
    admin::run(client, ALLOW_BACKUPS, &[role]).await
}

/// Grants a role its privileges on the tables of the client's database, and on future tables of the owner.
pub async fn grant(client: &Client, role: &str, access: Access) -> Result<(), Error> {
    let (tables, sequences) = match access {
        Access::Read => ("SELECT", "SELECT"),
        Access::Write => ("SELECT, INSERT, UPDATE, DELETE", "SELECT, USAGE"),
    };
    if !client.query_one(IS_GRANTED, &[&role]).await?.get::<_, bool>(0) {
        let row = client.query_one(GRANT, &[&role, &tables, &sequences, &LOCK]).await?;
        client.batch_execute(row.get(0)).await?;
    }
    for row in client.query(RESTRICT, &[&role]).await? {
        client.batch_execute(row.get(0)).await?;
    }
    Ok(())
}

/// Returns true if the role was created.
async fn create_if_missing(client: &Client, role: &str) -> Result<bool, Error> {
    if exists(client, role).await? {
        return Ok(false);
    }
    match admin::run(client, CREATE, &[role]).await {
        // Another process has created the role.
        Err(Error::Duplicate { .. }) => Ok(false),
        created => created.map(|()| true),
    }
}
