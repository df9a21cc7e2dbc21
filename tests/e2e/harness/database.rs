//! A database of one test's own, dropped with all that derives its name from it when the test ends.

use config::Secret;
use db::{Client, admin};

use super::postgres::{OwnPostgres, Postgres};

pub(crate) struct Database {
    /// None if its server is one test's own.
    prefix: Option<String>,
    url: String,
    /// Its name.
    pub(crate) name: String,
}

impl Database {
    /// One with all migrations and no rows.
    pub(crate) async fn migrated() -> Self {
        let database = Self::absent();
        let postgres = Postgres::get();
        let server = database.server().await;
        admin::clone(&server, &database.name, &postgres.template()).await.expect("a copy");
        database
    }

    /// One without a schema.
    pub(crate) async fn empty() -> Self {
        let database = Self::absent();
        admin::create(&database.server().await, &database.name).await.expect("a new database");
        database
    }

    /// The name of one that is still to be made.
    pub(crate) fn absent() -> Self {
        let postgres = Postgres::get();
        let prefix = postgres.take_prefix();
        // Short: the names of its copies go on from here.
        let name = format!("{prefix}a");
        Self { url: postgres.url(&name), name, prefix: Some(prefix) }
    }

    /// That of a server of one test's own.
    pub(crate) fn own(server: &OwnPostgres) -> Self {
        let url = server.url.clone();
        let (_, name) = url.rsplit_once('=').expect("dbname comes last");
        Self { name: name.to_owned(), url, prefix: None }
    }

    /// The same one, for one more user of it.
    pub(crate) fn shared(&self) -> Self {
        Self { prefix: None, url: self.url.clone(), name: self.name.clone() }
    }

    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    /// A connection to it.
    pub(crate) async fn connect(&self) -> Client {
        db::connect(&Secret::from(self.url()), None).await.expect("a connection")
    }

    /// A connection to another database of its server.
    pub(crate) async fn server(&self) -> Client {
        let url = Secret::from(self.url());
        db::connect(&url, Some(admin::MAINTENANCE)).await.expect("a connection")
    }

    /// Ends the connections of everybody else, and returns how many those were.
    pub(crate) async fn end_connections(&self) -> usize {
        let statement = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
        let server = self.server().await;
        server.query(statement, &[&self.name]).await.expect("we may").len()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(prefix) = &self.prefix {
            Postgres::get().drop_all(prefix);
        }
    }
}
