//! `test-postgres` runs the PostgreSQL server of a test run, and stops it when the tests end.
//!
//! Prints the URL of the template database, or an error. Each input line is a prefix of databases to drop. The input
//! ends together with the tests, even if the tests are killed. `test-postgres own` runs a server for a single test and
//! reads faults to apply.

mod databases;
mod docker;
mod faults;
mod server;

use std::{
    io::{self, Write},
    process::ExitCode,
    thread,
};

use databases::Databases;
use server::Server;
use tokio::{signal, sync::mpsc};

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> anyhow::Result<()> {
    // Registers the signal handler first, because signals may arrive during the start.
    let stop = stop_signal()?;
    let lines = lines();
    let variable = |name: &str| std::env::var(name).ok();
    if std::env::args().nth(1).as_deref() == Some("own") {
        let server = Server::start_own(&variable).await?;
        let held = hold_own(&server, lines, stop).await;
        // Continues a paused server, because a paused server cannot stop. For other servers, the error is ignored.
        let _ = server.apply_fault("continue").await;
        server.stop().await?;
        return held;
    }
    let server = Server::start(&variable).await?;
    let held = hold(&server.url(), lines, stop).await;
    server.stop().await?;
    held
}

/// Applies the fault of each line and prints the line afterwards, until the test ends.
async fn hold_own(
    server: &Server,
    mut faults: mpsc::UnboundedReceiver<String>,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let databases = Databases::prepare(&server.url()).await?;
    print(databases.template_url());
    drop(databases);
    let apply_fault = async {
        while let Some(fault) = faults.recv().await {
            server.apply_fault(&fault).await?;
            print(&fault);
        }
        Ok(())
    };
    tokio::select! {
        applied = apply_fault => applied,
        () = stop => Ok(()),
    }
}

/// Prints the URL of the template, and drops the databases of each prefix received until `stop` completes.
async fn hold(
    url: &str,
    mut prefixes: mpsc::UnboundedReceiver<String>,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let databases = Databases::prepare(url).await?;
    print(databases.template_url());
    let serve = async {
        while let Some(prefix) = prefixes.recv().await {
            databases.drop_all(&prefix).await?;
        }
        Ok(())
    };
    let served = tokio::select! {
        served = serve => served,
        () = stop => Ok(()),
    };
    databases.end().await?;
    served
}

/// Reads lines of stdin in a thread, because a pending read in the runtime could prevent its shutdown.
fn lines() -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    thread::spawn(move || {
        io::stdin().lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
    });
    receiver
}

/// Returns a future that completes at SIGTERM or Ctrl-C. Ctrl-C in the tests' terminal is not received.
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    let mut terminate = signal::unix::signal(signal::unix::SignalKind::terminate())?;
    #[cfg(unix)]
    let mut interrupt = signal::unix::signal(signal::unix::SignalKind::interrupt())?;
    Ok(async move {
        #[cfg(unix)]
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        #[cfg(not(unix))]
        let _ = signal::ctrl_c().await;
    })
}

fn print(text: &str) {
    // Errors are ignored, because the reader may have closed the pipe.
    let _ = writeln!(io::stdout(), "{text}");
}
