//! The API server. `api` serves, `api healthcheck` asks a running one, `api openapi` prints the document.

mod healthcheck;

use std::{io, process::ExitCode, time::Duration};

use anyhow::{Context, bail};
use api::Telemetry;
use config::{Config, Listen};
use tokio::{signal, sync::oneshot, time::sleep};

/// The exit codes for wrong arguments and unusable settings, as in sysexits.h.
const EX_USAGE: u8 = 64;
const EX_CONFIG: u8 = 78;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        None => serve(),
        Some("healthcheck") => finish(healthcheck::run(&variable)),
        Some("openapi") => print(&api::spec()),
        Some("--version") => print(concat!("api ", env!("CARGO_PKG_VERSION"))),
        Some(_) => {
            complain("usage: api [healthcheck | openapi | --version]");
            EX_USAGE.into()
        }
    }
}

#[tokio::main]
async fn serve() -> ExitCode {
    let config = match Config::from_lookup(&variable) {
        Ok(config) => config,
        Err(errors) => {
            complain(&format!("error: {errors}"));
            return EX_CONFIG.into();
        }
    };
    let telemetry = match Telemetry::start(&config, variable("RUST_LOG")) {
        Ok(telemetry) => telemetry,
        Err(error) => {
            complain(&format!("error: {error:#}"));
            return EX_CONFIG.into();
        }
    };
    // In the log's format, and with the id of the request whose handler panicked.
    std::panic::set_hook(Box::new(|panic| tracing::error!(%panic, "panicked")));
    let ended = run(config).await;
    if ended.is_ok() {
        telemetry.end().await;
    }
    finish(ended)
}

async fn run(config: Config) -> anyhow::Result<()> {
    let mut signals = Signals::new()?;
    let takes_over = config.server.listen == Listen::Stdin;
    let server = api::Server::bind(config)?;
    tracing::info!(address = %server.address(), "listening");
    if let Some(address) = server.admin_address() {
        tracing::info!(%address, "serving metrics");
    }
    if takes_over {
        server.warm_up().await;
        print("ready");
    }
    let (stop, stopped) = oneshot::channel::<()>();
    let signalled = async {
        signals.next().await;
        // Resolves `stopped` as well.
        drop(stop);
        signals.next().await;
    };
    let stopped = async {
        // The sender is dropped, nothing is sent.
        let _ = stopped.await;
    };
    tokio::select! {
        ended = server.run(stopped) => ended.context("the server ended")?,
        () = signalled => bail!("a second signal ended the requests in flight"),
        () = orphaned(), if takes_over => bail!("what handed its socket over has ended"),
    }
    tracing::info!("stopped");
    Ok(())
}

/// SIGTERM and Ctrl-C. One reader takes them all: signals that come before they are read count as one, so
/// that whoever waits for a second must have read the first.
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

/// Resolves when the process that started this one is gone: nobody would ever stop it.
#[cfg(unix)]
async fn orphaned() {
    use std::os::unix::process::parent_id;

    let parent = parent_id();
    while parent_id() == parent {
        sleep(Duration::from_millis(100)).await;
    }
}

#[cfg(not(unix))]
async fn orphaned() {
    std::future::pending().await
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn finish(result: anyhow::Result<()>) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    complain(&format!("error: {error:#}"));
    // The server starts without a database: only a setting can be wrong with it at the start.
    if error.is::<db::Error>() { EX_CONFIG.into() } else { ExitCode::FAILURE }
}

#[expect(
    clippy::print_stdout,
    reason = "the answer to the person or the process that started this"
)]
fn print(text: &str) -> ExitCode {
    println!("{text}");
    ExitCode::SUCCESS
}

#[expect(clippy::print_stderr, reason = "there is no log yet, or the program ends with this")]
fn complain(text: &str) {
    eprintln!("{text}");
}
