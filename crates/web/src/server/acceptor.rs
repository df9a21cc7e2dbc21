//! Accepts connections and serves each in its own task, within limits.
//!
//! poem's own server does not set timeouts, and spins when file descriptors run out. This server supports HTTP/1.1 and
//! HTTP/2 without TLS, and does not support upgrades (WebSockets). Responses of hyper itself (400, 414, 431) do not
//! have a problem body, because the request did not reach the application.

use std::{
    convert::Infallible,
    future, io, net,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use config::{Network, ServerConfig};
use futures_util::future::BoxFuture;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use poem::{
    Addr, Endpoint, Request,
    http::{HeaderValue, Version, header, uri::Scheme},
    web::{LocalAddr, RemoteAddr},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    client_address::client_address,
    timeouts::{Requests, TimeoutStream},
};

/// The size limit of a request's header, including the path, in bytes.
const HEADER_LIMIT: u16 = 32 * 1024;
/// The limit of concurrent requests on one HTTP/2 connection.
const STREAM_LIMIT: u32 = 100;
/// The number of reset requests after which an HTTP/2 connection is closed.
const RESET_LIMIT: usize = 20;
/// The time in which an idle connection may still send a request during shutdown. Closing the connection at once could
/// lose a request that is on its way.
const IDLE_GRACE: Duration = Duration::from_secs(2);
/// The pause after a failed accept, for example when file descriptors run out.
const BACK_OFF: Duration = Duration::from_millis(100);

pub(super) struct Acceptor<E> {
    listener: TcpListener,
    app: Arc<E>,
    /// The proxies whose `X-Forwarded-For` is trusted.
    trusted: Arc<[Network]>,
    limits: ServerConfig,
    builder: Arc<auto::Builder<TokioExecutor>>,
    connections: JoinSet<()>,
    /// True during shutdown: responses then have `Connection: close`.
    is_closing: Arc<AtomicBool>,
    /// Becomes true when the connections must end after their requests in flight.
    stopping: watch::Sender<bool>,
}

impl<E: Endpoint + 'static> Acceptor<E> {
    pub(super) fn new(
        listener: net::TcpListener,
        app: E,
        limits: ServerConfig,
    ) -> io::Result<Self> {
        Ok(Self {
            listener: TcpListener::from_std(listener)?,
            app: Arc::new(app),
            trusted: limits.trusted_proxies.clone().into(),
            limits,
            builder: Arc::new(builder()),
            connections: JoinSet::new(),
            is_closing: Arc::default(),
            stopping: watch::Sender::new(false),
        })
    }

    /// Serves until `stop` resolves, then waits for the requests in flight up to the shutdown timeout.
    pub(super) async fn run(mut self, mut stop: BoxFuture<'_, ()>) {
        loop {
            // Connections above the limit wait in the queue of the operating system. Closing them would look like an
            // outage.
            let has_room = self.connections.len() < self.limits.max_connections;
            tokio::select! {
                () = &mut stop => break,
                Some(_) = self.connections.join_next() => {}
                accepted = self.listener.accept(), if has_room => match accepted {
                    Ok((stream, peer)) => self.serve(stream, peer),
                    Err(error) => back_off(&error).await,
                }
            }
        }
        drop(self.listener);
        self.is_closing.store(true, Relaxed);
        let grace = IDLE_GRACE.min(self.limits.shutdown_timeout);
        // On a timeout, the remaining connections are asked to end now.
        let _ = timeout(grace, all_ended(&mut self.connections)).await;
        self.stopping.send_replace(true);
        let rest = self.limits.shutdown_timeout.saturating_sub(grace);
        if timeout(rest, all_ended(&mut self.connections)).await.is_err() {
            tracing::warn!("the shutdown timeout expired: aborted the running requests");
        }
        self.connections.shutdown().await;
    }

    fn serve(&mut self, stream: TcpStream, peer: net::SocketAddr) {
        // Turns off Nagle's algorithm, which delays small responses. An error means that the connection is broken.
        let _ = stream.set_nodelay(true);
        let local =
            stream.local_addr().map_or_else(|_| LocalAddr::default(), |it| LocalAddr(it.into()));
        let (app, requests) = (self.app.clone(), Arc::new(Requests::default()));
        let (is_closing, trusted) = (self.is_closing.clone(), self.trusted.clone());
        let (opened, max_age) = (Instant::now(), self.limits.max_connection_age);
        let of_connection = requests.clone();
        let stream = TimeoutStream::new(stream, requests.clone(), &self.limits);
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let in_flight = requests.begin(request.version());
            let app = app.clone();
            let client = client_address(peer, request.headers(), &trusted);
            let peer = RemoteAddr(Addr::from(client));
            let supports_close = request.version() < Version::HTTP_2;
            let request = Request::from((request, local.clone(), peer, Scheme::HTTP));
            let is_closing = is_closing.clone();
            // Boxing this large future makes moving it cheap.
            Box::pin(async move {
                let _in_flight = in_flight;
                let mut response = app.get_response(request).await;
                let must_close = is_closing.load(Relaxed) || opened.elapsed() >= max_age;
                if supports_close && must_close {
                    let close = HeaderValue::from_static("close");
                    response.headers_mut().insert(header::CONNECTION, close);
                }
                Ok::<hyper::Response<_>, Infallible>(response.into())
            })
        });
        let (builder, mut stopping) = (self.builder.clone(), self.stopping.subscribe());
        self.connections.spawn(async move {
            let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
            let too_old = async {
                sleep(max_age).await;
                // On HTTP/1.1, the next response has `Connection: close`. Ending an idle connection could lose a
                // request that is on its way.
                if !of_connection.is_http2() {
                    future::pending::<()>().await;
                }
            };
            let must_end = async {
                tokio::select! {
                    _ = stopping.wait_for(|it| *it) => {}
                    () = too_old => {}
                }
            };
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = must_end => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%peer, error, "a connection ended early");
            }
        });
    }
}

async fn all_ended(connections: &mut JoinSet<()>) {
    while connections.join_next().await.is_some() {}
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().max_buf_size(HEADER_LIMIT.into());
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(HEADER_LIMIT.into())
        .max_concurrent_streams(STREAM_LIMIT)
        .max_pending_accept_reset_streams(RESET_LIMIT)
        .max_local_error_reset_streams(RESET_LIMIT);
    builder
}

/// Waits after an error that would repeat immediately, such as a lack of file descriptors.
async fn back_off(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset};

    if !matches!(error.kind(), ConnectionAborted | ConnectionReset) {
        tracing::error!(%error, "cannot accept connections");
        sleep(BACK_OFF).await;
    }
}
