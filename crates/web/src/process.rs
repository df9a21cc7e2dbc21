//! The server process: log, signals and exit.

use std::{io, panic};

use anyhow::{Context, bail};
use config::{Config, Listen};
use tokio::{runtime::Builder, signal, sync::oneshot};

use crate::{
    routes::Service,
    server::{InvalidSetting, Server},
    state::AppState,
    telemetry::{LogOptions, Telemetry},
};

/// Serves `api` until a signal arrives, and writes a log. With an inherited socket (`API_LISTEN=stdin`), `ready` is
/// called when the server accepts connections.
///
/// # Errors
/// Returns [`InvalidSetting`] or [`store::Error`] for an invalid setting. Also fails if a port is in use, if the server
/// fails, or after a second signal.
pub fn serve(
    config: Config,
    api: fn(&AppState) -> Service,
    log: LogOptions,
    ready: fn(),
) -> anyhow::Result<()> {
    let mut runtime = Builder::new_multi_thread();
    runtime.enable_all().worker_threads(config.server.worker_threads);
    let served = async {
        let telemetry = Telemetry::start(&config, log).map_err(InvalidSetting)?;
        // Panics become normal log entries, with the id of the request.
        panic::set_hook(Box::new(|panic| tracing::error!(%panic, "panicked")));
        run(config, api, ready).await?;
        telemetry.shutdown().await;
        Ok(())
    };
    runtime.build()?.block_on(served)
}

async fn run(config: Config, api: fn(&AppState) -> Service, ready: fn()) -> anyhow::Result<()> {
    let mut signals = Signals::new()?;
    let takes_over = config.server.listen == Listen::Stdin;
    let mut server = Server::bind(config, api)?;
    tracing::info!(address = %server.address(), "listening");
    if let Some(address) = server.admin_address() {
        tracing::info!(%address, "serving metrics");
    }
    if takes_over {
        server.warm_up().await?;
        ready();
    }
    let (stop, stopped) = oneshot::channel::<()>();
    let signalled = async {
        signals.next().await;
        // The receiver `stopped` resolves when the sender is dropped.
        drop(stop);
        signals.next().await;
    };
    let stopped = async {
        // The result is always an error, because the sender is dropped without sending.
        let _ = stopped.await;
    };
    tokio::select! {
        ended = server.run(stopped) => ended.context("the server failed")?,
        () = signalled => bail!("a second signal aborted the running requests"),
        () = orphaned(), if takes_over => bail!("the parent process, which owns the socket, has exited"),
    }
    tracing::info!("stopped");
    Ok(())
}

/// SIGTERM and Ctrl-C. Signals that arrive before they are read count as one.
struct Signals {
    #[cfg(unix)]
    interrupt: signal::unix::Signal,
    #[cfg(unix)]
    terminate: signal::unix::Signal,
    #[cfg(windows)]
    interrupt: signal::windows::CtrlC,
    #[cfg(windows)]
    terminate: signal::windows::CtrlShutdown,
}

impl Signals {
    fn new() -> io::Result<Self> {
        #[cfg(unix)]
        let (interrupt, terminate) = {
            use signal::unix::{SignalKind, signal};
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
        };
        #[cfg(windows)]
        let (interrupt, terminate) =
            (signal::windows::ctrl_c()?, signal::windows::ctrl_shutdown()?);
        Ok(Self { interrupt, terminate })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Resolves when the parent process has exited. Without the parent process, nothing would stop this process.
#[cfg(unix)]
async fn orphaned() {
    use std::{os::unix::process::parent_id, time::Duration};

    let parent = parent_id();
    while parent_id() == parent {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[cfg(not(unix))]
async fn orphaned() {
    std::future::pending().await
}
