//! Typed settings of the server and the migration tool.
//!
//! [`Config::from_lookup`] reads each setting with a function. Programs pass one that reads environment variables, and
//! tests pass a table.

mod network;
mod reader;
mod secret;

use std::{net::SocketAddr, num::NonZeroU32, path::PathBuf, str::FromStr, thread, time::Duration};

pub use network::Network;
pub use reader::{Errors, Problem};
pub use secret::Secret;

use reader::Reader;

/// All settings of the server and the migration tool.
#[derive(Debug, Clone)]
pub struct Config {
    /// `APP_ENV`: the environment.
    pub profile: Profile,
    /// `ENGINE`: `docker`, `local` or `external`. Only shown on the landing page.
    pub engine: Option<String>,
    /// `RELOAD_FOLDER`: the folder with the socket of `dev-server`. `None` without a development server.
    pub reload_folder: Option<PathBuf>,
    /// The settings of the HTTP server.
    pub server: ServerConfig,
    /// The settings of the database connections.
    pub database: DatabaseConfig,
    /// The settings of sign-up and sessions.
    pub accounts: AccountsConfig,
    /// `REDIS_URL`: the Redis server that replicas share. If `None`, each replica counts log-in attempts alone.
    pub redis_url: Option<Secret>,
    /// The settings of the trace export. `None` turns it off.
    pub traces: Option<TracesConfig>,
}

/// The settings of the HTTP server.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// `API_LISTEN`: the socket to listen on. If only `PORT` is set, as on hosting platforms, the server listens on
    /// this port of all addresses.
    pub listen: Listen,
    /// `API_DOCS`: serves `/docs` and `/openapi.json` if true.
    pub docs: bool,
    /// `API_SECURITY_CONTACT`: the URL in `/.well-known/security.txt`. Without it, this page does not exist.
    pub security_contact: Option<String>,
    /// `API_ADMIN_LISTEN`: the address that serves `/metrics`. `None` turns metrics off.
    pub admin_listen: Option<SocketAddr>,
    /// `API_CORS_ORIGINS`: the origins whose web pages may read responses.
    pub cors_origins: Vec<String>,
    /// `API_TRUSTED_PROXIES`: the proxies whose `X-Forwarded-For` header is trusted.
    pub trusted_proxies: Vec<Network>,
    /// `API_WORKER_THREADS`: the number of threads that handle requests. Default: half the number of cores.
    pub worker_threads: usize,
    /// `API_MAX_CONNECTIONS`: the maximum number of open connections. Further clients wait in the system's queue.
    pub max_connections: usize,
    /// `API_MAX_CONNECTION_AGE_SECONDS`: the time after which a connection closes when its current requests have ended.
    pub max_connection_age: Duration,
    /// `API_HEADER_TIMEOUT_SECONDS`: the maximum time to receive the header of a request.
    pub header_timeout: Duration,
    /// `API_IDLE_TIMEOUT_SECONDS`: the maximum time between two requests of a connection, and the maximum time in
    /// which a client reads nothing of a response.
    pub idle_timeout: Duration,
    /// `API_BODY_TIMEOUT_SECONDS`: the maximum time to receive a request body. Slower requests get 408.
    pub body_timeout: Duration,
    /// `API_BODY_LIMIT_BYTES`: the maximum size of a request body. Larger requests get 413.
    pub body_limit: usize,
    /// `API_BODY_MEMORY_BYTES`: the maximum size of the bodies of all running requests. Further requests get 503.
    pub body_memory: usize,
    /// `API_REQUEST_TIMEOUT_SECONDS`: the maximum time to handle a request. Slower requests get 504.
    pub request_timeout: Duration,
    /// `API_TOKEN_RATE_LIMIT`: the maximum number of requests with the tokens of an account in a minute. `None` turns
    /// the limit off.
    pub token_rate_limit: Option<NonZeroU32>,
    /// `API_ADDRESS_RATE_LIMIT`: the maximum number of requests without a known token from an address in a minute.
    /// `None` turns the limit off.
    pub address_rate_limit: Option<NonZeroU32>,
    /// `API_DRAIN_SECONDS`: the time after a stop signal in which the server handles requests but is not ready.
    pub drain_period: Duration,
    /// `API_SHUTDOWN_SECONDS`: the time after the drain period in which running requests may finish.
    pub shutdown_timeout: Duration,
}

/// The socket on which the server listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listen {
    /// An address and a port. The system chooses the port if it is 0.
    Address(SocketAddr),
    /// `stdin`: the socket that the server inherits as standard input. `dev-server` keeps this socket open, so it
    /// can replace the server without refusing a connection.
    Stdin,
}

impl FromStr for Listen {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "stdin" {
            return Ok(Self::Stdin);
        }
        let address =
            text.parse().map_err(|_| "expected an address such as 127.0.0.1:5000, or stdin")?;
        Ok(Self::Address(address))
    }
}

impl Listen {
    /// Reads the socket from `API_LISTEN` or `PORT`.
    ///
    /// # Errors
    /// Returns an error if a variable is malformed.
    pub fn from_lookup(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, Errors> {
        let mut reader = Reader::new(lookup);
        let listen = Self::read(&mut reader);
        reader.finish(listen)
    }

    fn read(reader: &mut Reader<'_>) -> Self {
        reader.optional("API_LISTEN").unwrap_or_else(|| {
            let port: Option<u16> = reader.optional("PORT");
            let address = port.map_or(([127, 0, 0, 1], 5000), |port| ([0, 0, 0, 0], port));
            Self::Address(address.into())
        })
    }
}

/// The settings of the database connections.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// `DATABASE_URL`: the address of the database.
    pub url: Secret,
    /// `DATABASE_APPLICATION_URL`: the same database with the role of the API. Without it, the API uses `url`.
    pub application_url: Option<Secret>,
    /// `DATABASE_BACKUP_PASSWORD`: the password of the role for backups. Without it, the role is not created.
    pub backup_password: Option<Secret>,
    /// `DATABASE_URL_FILE`: the file that contains the address. The server reads the file again if PostgreSQL rejects
    /// the password, which may have been rotated.
    pub url_file: Option<PathBuf>,
    /// `DATABASE_POOL_SIZE`: the maximum number of connections.
    pub pool_size: usize,
    /// `DATABASE_WAIT_SECONDS`: the maximum time to wait for a free or a new connection.
    pub wait_timeout: Duration,
    /// `DATABASE_STATEMENT_TIMEOUT_SECONDS`: the maximum time of a query. PostgreSQL cancels slower queries.
    pub statement_timeout: Duration,
    /// `DATABASE_LOCK_TIMEOUT_SECONDS`: the maximum time to wait for a lock. PostgreSQL then cancels the query.
    pub lock_timeout: Duration,
    /// `DATABASE_IDLE_TIMEOUT_SECONDS`: the maximum time a transaction is idle. PostgreSQL then ends it.
    pub idle_timeout: Duration,
    /// `DATABASE_PGBOUNCER`: connects through pgbouncer, which does not forward the three timeouts above.
    pub pgbouncer: bool,
}

/// The settings of sign-up and sessions.
#[derive(Debug, Clone)]
pub struct AccountsConfig {
    /// `API_SIGN_UP`: anonymous clients may create an account. Default: true, but false in production.
    pub sign_up: bool,
    /// `API_SESSION_HOURS`: the lifetime of a session.
    pub session_lifetime: Duration,
}

/// The settings of the trace export. OpenTelemetry defines the names of the variables.
#[derive(Debug, Clone)]
pub struct TracesConfig {
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`: the URL of the collector, `http://host:port`.
    pub endpoint: String,
    /// `OTEL_SERVICE_NAME`: the name of this server in the traces.
    pub service: String,
    /// `OTEL_TRACES_SAMPLER_ARG`: the fraction of traces to send, from 0 to 1. Traces that a client started follow
    /// the client's decision.
    pub ratio: f64,
}

/// The environment in which a program runs (`APP_ENV`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// A developer's machine: landing page, human-readable log, sample rows.
    Dev,
    /// An automated test.
    Test,
    /// Production: JSON log, no landing page, and no commands that drop data.
    Production,
}

impl Profile {
    /// Returns the value of `APP_ENV` for this profile.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Test => "test",
            Self::Production => "production",
        }
    }
}

impl FromStr for Profile {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Dev, Self::Test, Self::Production]
            .into_iter()
            .find(|profile| profile.as_str() == text)
            .ok_or("must be dev, test or production")
    }
}

impl Config {
    /// Reads all settings. `lookup` returns the value of a variable; an empty value counts as absent.
    ///
    /// The variable `<name>_FILE` may instead contain the path of a file with the value.
    ///
    /// # Errors
    /// Returns all missing and malformed variables.
    pub fn from_lookup(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, Errors> {
        let mut reader = Reader::new(lookup);
        let profile = reader.parsed("APP_ENV", Profile::Dev);
        let config = Self {
            profile,
            engine: reader.text("ENGINE"),
            reload_folder: reader.text("RELOAD_FOLDER").map(PathBuf::from),
            server: ServerConfig {
                listen: Listen::read(&mut reader),
                docs: reader.parsed("API_DOCS", true),
                security_contact: reader.contact("API_SECURITY_CONTACT"),
                admin_listen: reader.optional("API_ADMIN_LISTEN"),
                cors_origins: reader.origins("API_CORS_ORIGINS"),
                trusted_proxies: reader.networks("API_TRUSTED_PROXIES"),
                worker_threads: reader.positive("API_WORKER_THREADS", half_of_the_cores()),
                max_connections: reader.positive("API_MAX_CONNECTIONS", 10_000),
                max_connection_age: reader.timeout("API_MAX_CONNECTION_AGE_SECONDS", 3600),
                header_timeout: reader.timeout("API_HEADER_TIMEOUT_SECONDS", 10),
                idle_timeout: reader.timeout("API_IDLE_TIMEOUT_SECONDS", 75),
                body_timeout: reader.timeout("API_BODY_TIMEOUT_SECONDS", 20),
                body_limit: reader.positive("API_BODY_LIMIT_BYTES", 1024 * 1024),
                body_memory: reader.positive("API_BODY_MEMORY_BYTES", 32 * 1024 * 1024),
                request_timeout: reader.timeout("API_REQUEST_TIMEOUT_SECONDS", 30),
                token_rate_limit: reader.optional("API_TOKEN_RATE_LIMIT"),
                address_rate_limit: reader.optional("API_ADDRESS_RATE_LIMIT"),
                drain_period: reader.seconds("API_DRAIN_SECONDS", 0),
                shutdown_timeout: reader.seconds("API_SHUTDOWN_SECONDS", 10),
            },
            database: DatabaseConfig {
                url: reader.database_url("DATABASE_URL", profile == Profile::Production),
                application_url: reader.optional_database_url(
                    "DATABASE_APPLICATION_URL",
                    profile == Profile::Production,
                ),
                backup_password: reader.text("DATABASE_BACKUP_PASSWORD").map(Secret::from),
                url_file: lookup("DATABASE_URL_FILE")
                    .filter(|path| !path.is_empty())
                    .map(PathBuf::from),
                pool_size: reader.positive("DATABASE_POOL_SIZE", 16),
                wait_timeout: reader.timeout("DATABASE_WAIT_SECONDS", 3),
                statement_timeout: reader.timeout("DATABASE_STATEMENT_TIMEOUT_SECONDS", 10),
                lock_timeout: reader.timeout("DATABASE_LOCK_TIMEOUT_SECONDS", 5),
                idle_timeout: reader.timeout("DATABASE_IDLE_TIMEOUT_SECONDS", 10),
                pgbouncer: reader.parsed("DATABASE_PGBOUNCER", false),
            },
            accounts: AccountsConfig {
                sign_up: reader.parsed("API_SIGN_UP", profile != Profile::Production),
                session_lifetime: reader.hours("API_SESSION_HOURS", 7 * 24),
            },
            redis_url: reader.redis_url("REDIS_URL"),
            traces: TracesConfig::read(&mut reader),
        };
        reader.finish(config)
    }
}

impl TracesConfig {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let service = reader.text("OTEL_SERVICE_NAME").unwrap_or_else(|| "slipway".to_owned());
        let ratio = reader.ratio("OTEL_TRACES_SAMPLER_ARG");
        let endpoint = reader.collector("OTEL_EXPORTER_OTLP_ENDPOINT")?;
        Some(Self { endpoint, service, ratio })
    }
}

/// Returns half the number of cores. The other cores are left to PostgreSQL on the same machine.
fn half_of_the_cores() -> usize {
    thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(2))
}

#[cfg(test)]
mod tests;
