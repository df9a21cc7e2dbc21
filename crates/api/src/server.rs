//! Binds, serves and stops.

mod acceptor;
mod patience;

use std::{
    future,
    net::{SocketAddr, TcpListener},
};

use anyhow::Context;
use config::Config;
use db::Database;
use socket2::SockRef;
use tokio::time::sleep;

use crate::{health::Readiness, metrics::Metrics, routes};
use acceptor::Acceptor;

/// Connections that may wait to be accepted; the system may allow fewer.
const BACKLOG: i32 = 4096;

/// A server that has its ports but does not answer yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    admin: Option<TcpListener>,
    config: Config,
    database: Database,
}

impl Server {
    /// Takes the ports. The database is not asked: the server is live without it, and ready with it.
    ///
    /// # Errors
    /// A port is taken, or DATABASE_URL is malformed.
    pub fn bind(config: Config) -> anyhow::Result<Self> {
        let database = Database::new(&config.database).context("DATABASE_URL")?;
        let listener = listen(config.server.listen, "API_LISTEN")?;
        let address = listener.local_addr()?;
        let admin = config.server.admin_listen.map(|it| listen(it, "API_ADMIN_LISTEN"));
        Ok(Self { listener, address, admin: admin.transpose()?, config, database })
    }

    /// Where it listens; the port is a real one even when port 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it serves metrics, if it does.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// Serves until `stop` resolves. From then on it is not ready; it serves on for the drain period,
    /// takes no more connections, and lets the requests in flight finish, for a limited time.
    /// Dropping the future ends everything at once.
    ///
    /// # Errors
    /// A listening socket is not usable.
    pub async fn run(self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let limits = self.config.server.clone();
        let (readiness, metrics) = (Readiness::default(), Metrics::new(&self.database));
        let app = routes::app(&self.config, &self.database, &readiness, &metrics);
        let api = Acceptor::new(self.listener, app, limits.clone())?;
        let admin = self.admin.map(|it| Acceptor::new(it, routes::admin(&metrics), limits.clone()));
        let admin = admin.transpose()?;

        // Metrics are there until the last request has ended.
        let metrics_for_ever = async {
            match admin {
                Some(admin) => admin.run(future::pending()).await,
                None => future::pending().await,
            }
        };
        let drained = async {
            stop.await;
            readiness.end();
            tracing::info!("stopping: requests in flight may finish; a second signal ends them");
            sleep(limits.drain_period).await;
        };
        tokio::select! {
            () = api.run(drained) => {}
            () = metrics_for_ever => {}
        }
        self.database.close();
        Ok(())
    }
}

fn listen(address: SocketAddr, variable: &str) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address).with_context(|| {
        format!("cannot listen on {address}: stop what does, or set {variable}")
    })?;
    // The standard library has the system keep 128 that are not accepted yet: a crowd is larger.
    SockRef::from(&listener).listen(BACKLOG)?;
    // The runtime blocks a whole thread on a blocking socket.
    listener.set_nonblocking(true)?;
    Ok(listener)
}
