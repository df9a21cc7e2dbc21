//! The database of a test. Dropping it also drops databases whose names start with its prefix.

use config::Secret;
use db::{Client, admin};

use super::postgres::{OwnPostgres, Postgres};

pub(crate) struct Database {
    /// `None` if another owner drops the database.
    prefix: Option<String>,
    url: String,
    pub(crate) name: String,
}

impl Database {
    /// Creates a database with all migrations and no rows.
    pub(crate) async fn migrated() -> Self {
        let database = Self::absent();
        let postgres = Postgres::get();
        let server = database.server().await;
        admin::clone(&server, &database.name, &postgres.template()).await.expect("a copy");
        database
    }

    /// Creates a database without a schema.
    pub(crate) async fn empty() -> Self {
        let database = Self::absent();
        admin::create(&database.server().await, &database.name).await.expect("a new database");
        database
    }

    /// Returns the name of a database that does not exist yet.
    pub(crate) fn absent() -> Self {
        let postgres = Postgres::get();
        let prefix = postgres.take_prefix();
        // The name is short, because the names of copies have a suffix and a maximum length.
        let name = format!("{prefix}a");
        Self { url: postgres.url(&name), name, prefix: Some(prefix) }
    }

    /// Returns the database of a test's own server.
    pub(crate) fn own(server: &OwnPostgres) -> Self {
        let url = server.url.clone();
        let (_, name) = url.rsplit_once('=').expect("dbname comes last");
        Self { name: name.to_owned(), url, prefix: None }
    }

    /// Returns another handle, which does not drop the database.
    pub(crate) fn shared(&self) -> Self {
        Self { prefix: None, url: self.url.clone(), name: self.name.clone() }
    }

    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    /// Connects to the database.
    pub(crate) async fn connect(&self) -> Client {
        db::connect(&Secret::from(self.url()), None).await.expect("a connection")
    }

    /// Connects to the maintenance database of the server.
    pub(crate) async fn server(&self) -> Client {
        let url = Secret::from(self.url());
        db::connect(&url, Some(admin::MAINTENANCE)).await.expect("a connection")
    }

    /// Ends all other connections, and returns their number.
    pub(crate) async fn end_connections(&self) -> usize {
        let query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
        let server = self.server().await;
        server.query(query, &[&self.name]).await.expect("the required rights").len()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(prefix) = &self.prefix {
            Postgres::get().drop_all(prefix);
        }
    }
}
