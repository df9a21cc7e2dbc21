//! Binds, serves and stops.

use std::net::{SocketAddr, TcpListener};

use anyhow::Context;
use config::{Config, ServerConfig};
use db::Pool;
use poem::listener::TcpAcceptor;

use crate::routes;

/// A server that has its port but does not answer yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    config: Config,
    pool: Pool,
}

impl Server {
    /// Takes the port. The database is not asked: the server is live without it, and ready with it.
    ///
    /// # Errors
    /// The port is taken, or DATABASE_URL is malformed.
    pub fn bind(config: Config) -> anyhow::Result<Self> {
        let pool = db::pool(&config.database).context("DATABASE_URL is not usable")?;
        let ServerConfig { listen, .. } = config.server;
        let listener = TcpListener::bind(listen).with_context(|| {
            format!("cannot listen on {listen}: stop what does, or set API_LISTEN")
        })?;
        // The runtime blocks a whole thread on a blocking socket.
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, config, pool })
    }

    /// Where it listens; the port is a real one even when port 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` resolves, then lets the requests in flight finish, for a limited time.
    ///
    /// # Errors
    /// The listening socket broke.
    pub async fn run(self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let shutdown_timeout = self.config.server.shutdown_timeout;
        let app = routes::app(&self.config, &self.pool);
        let acceptor = TcpAcceptor::from_std(self.listener)?;
        poem::Server::new_with_acceptor(acceptor)
            .http2_max_concurrent_streams(100)
            .run_with_graceful_shutdown(app, stop, Some(shutdown_timeout))
            .await?;
        self.pool.close();
        Ok(())
    }
}
