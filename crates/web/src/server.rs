//! The HTTP server: listens, serves and shuts down.

mod acceptor;
mod client_address;
mod timeouts;

use std::{
    future, io,
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use anyhow::{Context, bail};
use config::{Config, Listen, Profile};
use futures_util::future::BoxFuture;
use poem::Route;
use socket2::{Domain, SockRef, Socket, Type};
use store::Database;
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::{
    auth::Authenticator,
    health::{self, Readiness},
    idempotency,
    metrics::Metrics,
    redis_client::RedisClient,
    routes::{self, App, Service},
    state::AppState,
};
use acceptor::Acceptor;

/// The number of connections that can wait to be accepted. The system may allow fewer.
const BACKLOG: i32 = 4096;

/// The time to wait for the database before serving without it.
const WARM_UP: Duration = Duration::from_secs(5);

/// A setting with an invalid value.
#[derive(Debug, thiserror::Error)]
#[error("{0:#}")]
pub struct InvalidSetting(pub(crate) anyhow::Error);

/// A server that listens but does not serve yet.
pub struct Server {
    address: SocketAddr,
    api: Acceptor<App>,
    admin: Option<Acceptor<Route>>,
    admin_address: Option<SocketAddr>,
    database: Database,
    authenticator: Authenticator,
    readiness: Readiness,
    drain_period: Duration,
    /// Resolves when the database has responded, or after [`WARM_UP`].
    warm_up: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens on the configured ports. Does not connect to the database, because the server is live (but not ready)
    /// without a database. A server that takes over a socket connects immediately, see [`Self::warm_up`].
    ///
    /// # Errors
    /// A port is in use, or DATABASE_URL or REDIS_URL is invalid.
    ///
    /// # Panics
    /// Panics outside a Tokio runtime.
    pub fn bind(config: Config, api: fn(&AppState) -> Service) -> anyhow::Result<Self> {
        let database = Database::new(&config.database).context("DATABASE_URL")?;
        let redis = RedisClient::new(config.redis_url.as_ref()).map_err(InvalidSetting)?;
        let limits = config.server.clone();
        let takes_over = limits.listen == Listen::Stdin;
        let listener = match limits.listen {
            Listen::Address(address) => listen(address, "API_LISTEN", false)?,
            Listen::Stdin => inherited()?,
        };
        let address = listener.local_addr()?;
        // During a takeover, the old server still listens on the admin port, so the port must be shared.
        let admin = limits.admin_listen.map(|it| listen(it, "API_ADMIN_LISTEN", takes_over));
        let admin = admin.transpose()?;
        let admin_address = admin.as_ref().map(TcpListener::local_addr).transpose()?;
        // Connects to the database while this thread creates the API. Both take equally long in a debug build.
        let warm_up = takes_over.then(|| tokio::spawn(warm_up(database.clone())));

        let (readiness, metrics) = (Readiness::default(), Metrics::new(&database, &redis));
        let is_production = config.profile == Profile::Production;
        let authenticator = Authenticator::new(database.clone(), is_production, redis);
        let state = AppState {
            config,
            database: database.clone(),
            authenticator: authenticator.clone(),
            readiness: readiness.clone(),
        };
        let app = App::new(&state, api(&state), &metrics);
        let admin = admin.map(|it| Acceptor::new(it, routes::admin(&metrics), limits.clone()));
        Ok(Self {
            address,
            admin: admin.transpose()?,
            admin_address,
            database,
            authenticator,
            readiness,
            drain_period: limits.drain_period,
            warm_up,
            api: Acceptor::new(listener, app, limits)?,
        })
    }

    /// Returns the address of the API, with the actual port if the configured port is 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the address of the metrics, if they are served.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin_address
    }

    /// Waits up to five seconds for the database, while the server that hands its socket over keeps serving.
    ///
    /// # Errors
    /// The runtime shuts down.
    pub async fn warm_up(&mut self) -> anyhow::Result<()> {
        if let Some(asking) = self.warm_up.take() {
            asking.await?;
        }
        Ok(())
    }

    /// Serves until `stop` resolves, then shuts down gracefully. The server reports that it is not ready, keeps serving
    /// for the drain period, stops accepting connections, and waits for the requests in flight up to the shutdown
    /// timeout. Dropping the future closes all connections immediately.
    ///
    /// # Errors
    /// A listening socket fails.
    pub async fn run(self, stop: impl Future<Output = ()> + Send + 'static) -> anyhow::Result<()> {
        // Boxing `stop` makes `serve` non-generic, so it is compiled only once, in this crate.
        self.serve(Box::pin(stop)).await
    }

    async fn serve(self, stop: BoxFuture<'static, ()>) -> anyhow::Result<()> {
        let Self { admin, authenticator, database, readiness, drain_period, .. } = self;
        // Metrics are served until the last request has ended.
        let metrics_for_ever = async {
            match admin {
                Some(admin) => admin.run(Box::pin(future::pending())).await,
                None => future::pending().await,
            }
        };
        let drained = async move {
            stop.await;
            readiness.end();
            tracing::info!(
                "shutting down: waiting for the requests in flight; a second signal ends them"
            );
            sleep(drain_period).await;
        };
        tokio::select! {
            () = self.api.run(Box::pin(drained)) => {}
            () = metrics_for_ever => {}
            () = authenticator.follow_revocations() => {}
            () = idempotency::purge(&database) => {}
        }
        database.close();
        Ok(())
    }
}

async fn warm_up(database: Database) {
    let is_ready = async {
        while health::schema_version(&database).await.is_err() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    if timeout(WARM_UP, is_ready).await.is_err() {
        tracing::warn!("the database did not respond in time; serving without it");
    }
}

/// Returns the listening socket that another process has passed as standard input.
#[cfg(unix)]
fn inherited() -> anyhow::Result<TcpListener> {
    use std::os::fd::AsFd;

    let socket = io::stdin().as_fd().try_clone_to_owned()?;
    if !SockRef::from(&socket).is_listener().unwrap_or(false) {
        bail!(
            "API_LISTEN=stdin requires a listening socket as standard input. `cargo xtask up` starts the server with one."
        );
    }
    settle(&SockRef::from(&socket))?;
    Ok(TcpListener::from(socket))
}

#[cfg(not(unix))]
fn inherited() -> anyhow::Result<TcpListener> {
    bail!("API_LISTEN=stdin is not supported on this system")
}

/// Sets the backlog of a socket, and makes the socket non-blocking, because the runtime requires it.
fn settle(socket: &SockRef<'_>) -> io::Result<()> {
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)
}

/// Listens on an address. With `shared`, several servers can listen on the same port.
fn listen(address: SocketAddr, variable: &str, shared: bool) -> anyhow::Result<TcpListener> {
    let open = || -> io::Result<TcpListener> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        // These options are not set on Windows, where SO_REUSEADDR would let two programs use the same port.
        #[cfg(unix)]
        socket.set_reuse_address(true).and_then(|()| socket.set_reuse_port(shared))?;
        #[cfg(not(unix))]
        let _ = shared;
        socket.bind(&address.into())?;
        settle(&SockRef::from(&socket))?;
        Ok(socket.into())
    };
    open().with_context(|| {
        format!(
            "cannot listen on {address}. Stop the program that uses the port, or set {variable}."
        )
    })
}
