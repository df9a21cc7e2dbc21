//! The API in this process, on its own port and database.

use std::net::SocketAddr;

use config::Config;
use reqwest::{Client, RequestBuilder};
use serde_json::Value;
use tokio::{sync::oneshot, task::JoinHandle};
use tracing_subscriber::filter::LevelFilter;

use super::{Database, identity::Identity};

pub(crate) struct TestApp {
    pub(crate) address: SocketAddr,
    /// The address of the metrics, if API_ADMIN_LISTEN is set.
    pub(crate) admin: Option<SocketAddr>,
    pub(crate) database: Database,
    /// The account that sends requests by default.
    pub(crate) member: Identity,
    pub(crate) administrator: Identity,
    client: Client,
    stop: oneshot::Sender<()>,
    server: JoinHandle<anyhow::Result<()>>,
}

impl TestApp {
    /// Starts the API on a database with all migrations and no rows.
    pub(crate) async fn spawn() -> Self {
        Self::spawn_with(&[]).await
    }

    /// Starts the API with these environment variables.
    pub(crate) async fn spawn_with(variables: &[(&str, &str)]) -> Self {
        let app = Self::spawn_on(Database::migrated().await, variables);
        app.store_identities().await;
        app
    }

    /// Starts a second API with these variables on the database of `app`.
    pub(crate) fn spawn_sharing_database(app: &Self, variables: &[(&str, &str)]) -> Self {
        Self::spawn_on(app.database.shared(), variables)
    }

    /// Starts the API on `database`, which may have no schema, without the tests' accounts.
    pub(crate) fn spawn_on(database: Database, variables: &[(&str, &str)]) -> Self {
        // Writes logs to the output of the test. Only the first call in a process has an effect.
        let _ = tracing_subscriber::fmt()
            .with_test_writer()
            .with_ansi(false)
            .with_max_level(LevelFilter::INFO)
            .try_init();
        let config = config(&database, variables);
        let server = api::bind(config).expect("a free port");
        let (address, admin) = (server.address(), server.admin_address());
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(server.run(async {
            // An error means that the sender was dropped, which must not stop the server.
            if stopped.await.is_err() {
                std::future::pending::<()>().await;
            }
        }));
        let (member, administrator) = (Identity::new("member"), Identity::new("admin"));
        Self {
            address,
            admin,
            database,
            member,
            administrator,
            client: Client::new(),
            stop,
            server,
        }
    }

    /// Creates the tests' accounts in a database with a schema.
    pub(crate) async fn store_identities(&self) {
        let client = self.database.connect().await;
        self.member.store(&client).await;
        self.administrator.store(&client).await;
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.request("GET", path)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.request("POST", path).json(body)
    }

    /// Builds a request of the member.
    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.request_as(&self.member.token, method, path)
    }

    /// Builds a request of the admin.
    pub(crate) fn request_as_admin(&self, method: &str, path: &str) -> RequestBuilder {
        self.request_as(&self.administrator.token, method, path)
    }

    pub(crate) fn request_as(&self, token: &str, method: &str, path: &str) -> RequestBuilder {
        self.request_anonymous(method, path).bearer_auth(token)
    }

    pub(crate) fn request_anonymous(&self, method: &str, path: &str) -> RequestBuilder {
        self.client.request(method.parse().expect("a method"), self.url(path))
    }

    /// Stops the server. The returned handle ends after the graceful shutdown.
    pub(crate) fn stop(self) -> (JoinHandle<anyhow::Result<()>>, Database) {
        self.stop.send(()).expect("the server runs");
        (self.server, self.database)
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// Returns the settings of a test on this database, with `variables` replacing the defaults.
pub(crate) fn config(database: &Database, variables: &[(&str, &str)]) -> Config {
    let url = database.url();
    let usual = [("APP_ENV", "test"), ("API_LISTEN", "127.0.0.1:0"), ("DATABASE_URL", &url)];
    let lookup = |name: &str| {
        let mut all = variables.iter().chain(&usual);
        all.find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    };
    Config::from_lookup(&lookup).expect("usable settings")
}
