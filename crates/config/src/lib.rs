//! Typed settings of the server and the migration tool, read from environment variables.
//!
//! Nothing here touches the process environment: [`Config::from_lookup`] is handed a function, so a
//! test can read settings from a table and only `main.rs` files read the real thing.

mod network;
mod reader;
mod secret;

use std::{net::SocketAddr, path::PathBuf, str::FromStr, thread, time::Duration};

pub use network::Network;
pub use reader::{Errors, Problem};
pub use secret::Secret;

use reader::Reader;

/// Everything the server and the migration tool can be told.
#[derive(Debug, Clone)]
pub struct Config {
    /// Which kind of place this runs in.
    pub profile: Profile,
    /// What runs the stack, `docker` or `local`; only shown to people.
    pub engine: Option<String>,
    /// `RELOAD_FOLDER`: where the supervisor that follows the source can be reached, if there is one.
    pub reload_folder: Option<PathBuf>,
    /// How the server listens and stops.
    pub server: ServerConfig,
    /// Where the database is and how it is used.
    pub database: DatabaseConfig,
    /// Who may have an account, and for how long they are logged in.
    pub accounts: AccountsConfig,
    /// `REDIS_URL`: what several replicas share; each counts for itself when absent.
    pub redis_url: Option<Secret>,
    /// Where traces go; nowhere when absent.
    pub traces: Option<TracesConfig>,
}

/// How the server listens and stops.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// `API_LISTEN`, or else every address and the port in `PORT`, as platforms give it.
    pub listen: Listen,
    /// `API_DOCS`: whether `/docs` and `/openapi.json` are served.
    pub docs: bool,
    /// `API_ADMIN_LISTEN`: where `/metrics` is served; nowhere when absent.
    pub admin_listen: Option<SocketAddr>,
    /// `API_CORS_ORIGINS`: the web pages of these origins may read answers.
    pub cors_origins: Vec<String>,
    /// `API_TRUSTED_PROXIES`: what these say of where a request comes from is believed.
    pub trusted_proxies: Vec<Network>,
    /// `API_WORKER_THREADS`: threads that answer requests; half as many as there are cores when absent.
    pub worker_threads: usize,
    /// `API_MAX_CONNECTIONS`: further ones wait in the system's queue until one ends.
    pub max_connections: usize,
    /// `API_HEADER_TIMEOUT_SECONDS`: how long the header of a request may take to come.
    pub header_timeout: Duration,
    /// `API_IDLE_TIMEOUT_SECONDS`: how long a connection may wait for its next request, and how long
    /// a client may leave an answer unread.
    pub idle_timeout: Duration,
    /// `API_BODY_TIMEOUT_SECONDS`: a request whose body takes longer to come is answered 408.
    pub body_timeout: Duration,
    /// `API_BODY_LIMIT_BYTES`: a larger request body is answered 413.
    pub body_limit: usize,
    /// `API_REQUEST_TIMEOUT_SECONDS`: a request that takes longer is answered 504.
    pub request_timeout: Duration,
    /// `API_DRAIN_SECONDS`: how long to serve on after a stop signal, but not to be ready.
    pub drain_period: Duration,
    /// `API_SHUTDOWN_SECONDS`: how long requests in flight may go on after that.
    pub shutdown_timeout: Duration,
}

/// Where to listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listen {
    /// An address and a port. Port 0 takes a free one.
    Address(SocketAddr),
    /// `stdin`: on the socket that standard input is. Whoever holds it, like `dev-server`, can replace the
    /// server without refusing a connection.
    Stdin,
}

impl FromStr for Listen {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "stdin" {
            return Ok(Self::Stdin);
        }
        let address = text.parse().map_err(|_| "must be like 127.0.0.1:5000, or stdin")?;
        Ok(Self::Address(address))
    }
}

impl Listen {
    /// Where a server with these variables listens.
    ///
    /// # Errors
    /// `API_LISTEN` or `PORT` is malformed.
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

/// Where the database is and how it is used.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// `DATABASE_URL`, or the content of the file that `DATABASE_URL_FILE` names.
    pub url: Secret,
    /// `DATABASE_POOL_SIZE`: connections at most.
    pub pool_size: usize,
    /// `DATABASE_WAIT_SECONDS`: how long to wait for a free connection or for a new one.
    pub wait_timeout: Duration,
    /// `DATABASE_STATEMENT_TIMEOUT_SECONDS`: the server ends a statement that takes longer.
    pub statement_timeout: Duration,
    /// `DATABASE_LOCK_TIMEOUT_SECONDS`: the server ends a statement that waits longer for others.
    pub lock_timeout: Duration,
    /// `DATABASE_IDLE_TIMEOUT_SECONDS`: the server ends a transaction in which nothing happens.
    pub idle_timeout: Duration,
    /// `DATABASE_PGBOUNCER`: whether pgbouncer is in between, which passes none of these three limits
    /// on.
    pub pgbouncer: bool,
}

/// Who may have an account, and for how long they are logged in.
#[derive(Debug, Clone)]
pub struct AccountsConfig {
    /// `API_SIGN_UP`: whether strangers may make themselves an account; not in production by default.
    pub sign_up: bool,
    /// `API_SESSION_HOURS`: how long a session lasts.
    pub session_lifetime: Duration,
}

/// Where traces go. The names of the variables are OpenTelemetry's.
#[derive(Debug, Clone)]
pub struct TracesConfig {
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`: the collector, `http://host:port`.
    pub endpoint: String,
    /// `OTEL_SERVICE_NAME`: what the collector calls this server.
    pub service: String,
    /// `OTEL_TRACES_SAMPLER_ARG`: of the traces that begin here, the part that is sent, from 0 to 1.
    pub ratio: f64,
}

/// Which kind of place this runs in (`APP_ENV`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// A developer's machine: landing page, human-readable log, sample rows.
    Dev,
    /// An automated test.
    Test,
    /// The real thing: JSON log, no landing page, nothing that drops data.
    Production,
}

impl Profile {
    /// The profile as `APP_ENV` spells it.
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
    /// The settings that `lookup` gives, by variable name; an empty value counts as absent. Each may be
    /// in a file that the variable `<name>_FILE` names instead.
    ///
    /// # Errors
    /// Every missing and malformed variable at once, each by its name.
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
                admin_listen: reader.optional("API_ADMIN_LISTEN"),
                cors_origins: reader.origins("API_CORS_ORIGINS"),
                trusted_proxies: reader.networks("API_TRUSTED_PROXIES"),
                worker_threads: reader.positive("API_WORKER_THREADS", half_of_the_cores()),
                max_connections: reader.positive("API_MAX_CONNECTIONS", 10_000),
                header_timeout: reader.timeout("API_HEADER_TIMEOUT_SECONDS", 10),
                idle_timeout: reader.timeout("API_IDLE_TIMEOUT_SECONDS", 75),
                body_timeout: reader.timeout("API_BODY_TIMEOUT_SECONDS", 20),
                body_limit: reader.positive("API_BODY_LIMIT_BYTES", 1024 * 1024),
                request_timeout: reader.timeout("API_REQUEST_TIMEOUT_SECONDS", 30),
                drain_period: reader.seconds("API_DRAIN_SECONDS", 0),
                shutdown_timeout: reader.seconds("API_SHUTDOWN_SECONDS", 10),
            },
            database: DatabaseConfig {
                url: reader.database_url("DATABASE_URL", profile == Profile::Production),
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

/// Beside PostgreSQL on the same cores, more threads wake each other more than they work.
fn half_of_the_cores() -> usize {
    thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(2))
}

#[cfg(test)]
mod tests;
