//! The databases of one run: a template with all migrations, and the copies the tests make of it.

use config::Secret;
use db::{Client, admin, migrations};
use uuid::Uuid;

/// What the name of every database of every run begins with.
const OURS: &str = "e2e_";

// A session's lock goes when the session ends: whose lock can be taken, that run is over.
const TAKE_LOCK: &str = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))";
const BEGINNING_WITH: &str = "SELECT datname FROM pg_database WHERE starts_with(datname, $1)";

pub(crate) struct Databases {
    client: Client,
    prefix: String,
    template_url: String,
}

impl Databases {
    /// Drops what runs left that were killed, and makes the template.
    pub(crate) async fn prepare(url: &str) -> anyhow::Result<Self> {
        let secret = Secret::from(url.to_owned());
        let client = db::connect(&secret, Some(admin::MAINTENANCE)).await?;
        let prefix = format!("{OURS}{}_", Uuid::now_v7().simple());
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

    /// What the names of this run's databases begin with.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The server's URL with the template as its `dbname`, which comes last.
    pub(crate) fn template_url(&self) -> &str {
        &self.template_url
    }

    /// Drops the databases whose names begin with `prefix`.
    pub(crate) async fn drop_all(&self, prefix: &str) -> anyhow::Result<()> {
        for row in self.client.query(BEGINNING_WITH, &[&prefix]).await? {
            admin::drop(&self.client, row.get(0)).await?;
        }
        Ok(())
    }

    async fn sweep(&self) -> anyhow::Result<()> {
        for row in self.client.query(BEGINNING_WITH, &[&OURS]).await? {
            let name: &str = row.get(0);
            let Some(run) = name.get(..self.prefix.len()) else { continue };
            if self.client.query_one(TAKE_LOCK, &[&run]).await?.get(0) {
                admin::drop(&self.client, name).await?;
            }
        }
        Ok(())
    }
}
