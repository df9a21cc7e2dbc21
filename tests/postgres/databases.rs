//! The databases of a test run: a template with all migrations, and the tests' copies of the template.

use config::Secret;
use db::{Client, admin, migrations};
use uuid::Uuid;

/// The prefix of all test databases.
const PREFIX: &str = "e2e_";

// Each test run holds an advisory lock with its prefix. If the lock is free, the run has ended.
const TAKE_LOCK: &str = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))";
const WITH_PREFIX: &str = "SELECT datname FROM pg_database WHERE starts_with(datname, $1)";

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
        admin::create(&databases.client, &template).await?;
        let mut client = db::connect(&secret, Some(&template)).await?;
        migrations::apply(migrations::embedded(), &mut client, None).await?;
        Ok(databases)
    }

    /// Returns the prefix of this run's databases.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
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

    async fn sweep(&self) -> anyhow::Result<()> {
        for row in self.client.query(WITH_PREFIX, &[&PREFIX]).await? {
            let name: &str = row.get(0);
            let Some(run) = name.get(..self.prefix.len()) else { continue };
            if self.client.query_one(TAKE_LOCK, &[&run]).await?.get(0) {
                admin::drop(&self.client, name).await?;
            }
        }
        Ok(())
    }
}
