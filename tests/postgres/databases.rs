//! The databases of a test run: a template with all migrations, and the tests' copies of the template.

use config::Secret;
use db::{
    Client, admin, migrations,
    privileges::{self, Access},
};
use uuid::Uuid;

/// The prefix of all test databases and roles.
const PREFIX: &str = "e2e_";
/// The password of the role of the API, whose name is the prefix of the run and `application`.
const PASSWORD: &str = "application";

// Each test run holds an advisory lock with its prefix. If the lock is free, the run has ended.
const TAKE_LOCK: &str = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))";
// From PostgreSQL 17 on, with the collation of new clusters of this project. PostgreSQL quotes the name.
const CREATE: &str = "SELECT format('CREATE DATABASE %I ', $1::text)
    || CASE WHEN current_setting('server_version_num')::int >= 170000
       THEN 'TEMPLATE template0 ENCODING ''UTF8'' LOCALE_PROVIDER builtin BUILTIN_LOCALE ''C.UTF-8'''
       ELSE '' END";
const WITH_PREFIX: &str = "SELECT datname FROM pg_database WHERE starts_with(datname, $1)";
const ROLES_WITH_PREFIX: &str =
    "SELECT rolname, format('DROP ROLE %I', rolname) FROM pg_roles WHERE starts_with(rolname, $1)";

pub(crate) struct Databases {
    client: Client,
    prefix: String,
    template_url: String,
}

impl Databases {
    /// Drops databases of killed runs, and creates the template.
    pub(crate) async fn prepare(url: &str) -> anyhow::Result<Self> {
        let secret = Secret::from(url.to_owned());
        let client = db::connect(&secret, Some(admin::MAINTENANCE)).await?;
        let prefix = format!("{PREFIX}{}_", Uuid::now_v7().simple());
        let template = format!("{prefix}template");
        let separator = if url.contains('?') { '&' } else { '?' };
        let template_url = format!("{url}{separator}dbname={template}");
        let databases = Self { client, prefix, template_url };
        databases.sweep().await?;

        databases.client.query_one(TAKE_LOCK, &[&databases.prefix]).await?;
        let create: String = databases.client.query_one(CREATE, &[&template]).await?.get(0);
        databases.client.batch_execute(&create).await?;
        let mut client = db::connect(&secret, Some(&template)).await?;
        migrations::apply(migrations::embedded(), &mut client, None).await?;
        // The API of the tests has the privileges of production.
        let role = format!("{}application", databases.prefix);
        let password = Secret::from(PASSWORD.to_owned());
        privileges::set_login(&client, &role, &password).await?;
        privileges::grant(&client, &role, Access::Write).await?;
        Ok(databases)
    }

    /// Returns the server's URL, which ends with the template as `dbname`.
    pub(crate) fn template_url(&self) -> &str {
        &self.template_url
    }

    /// Drops the databases whose names start with `prefix`.
    pub(crate) async fn drop_all(&self, prefix: &str) -> anyhow::Result<()> {
        for row in self.client.query(WITH_PREFIX, &[&prefix]).await? {
            admin::drop(&self.client, row.get(0)).await?;
        }
        Ok(())
    }

    /// Drops the databases and the roles of this run.
    pub(crate) async fn end(&self) -> anyhow::Result<()> {
        self.drop_all(&self.prefix).await?;
        for row in self.client.query(ROLES_WITH_PREFIX, &[&self.prefix]).await? {
            self.client.batch_execute(row.get(1)).await?;
        }
        Ok(())
    }

    async fn sweep(&self) -> anyhow::Result<()> {
        for row in self.client.query(WITH_PREFIX, &[&PREFIX]).await? {
            let name: &str = row.get(0);
            let Some(run) = name.get(..self.prefix.len()) else { continue };
            if self.client.query_one(TAKE_LOCK, &[&run]).await?.get(0) {
                admin::drop(&self.client, name).await?;
            }
        }
        for row in self.client.query(ROLES_WITH_PREFIX, &[&PREFIX]).await? {
            let name: &str = row.get(0);
            let Some(run) = name.get(..self.prefix.len()) else { continue };
            if self.client.query_one(TAKE_LOCK, &[&run]).await?.get(0) {
                self.client.batch_execute(row.get(1)).await?;
            }
        }
        Ok(())
    }
}
