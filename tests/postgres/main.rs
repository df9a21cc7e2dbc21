//! `test-postgres`: holds the one PostgreSQL of a test run, and takes it down when the tests end.
//!
//! It prints the URL of the template database, or why there is none. Each line it reads is a prefix:
//! the databases so called are dropped. Its input ends when the tests do, killed ones included.

mod databases;
mod docker;
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
            answer(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> anyhow::Result<()> {
    // Listened for first: nothing that comes while the server starts is lost.
    let stop = stop_signal()?;
    let prefixes = prefixes();
    let server = Server::start(&|name| std::env::var(name).ok()).await?;
    let held = hold(&server.url(), prefixes, stop).await;
    server.stop().await?;
    held
}

/// Serves the tests until they end.
async fn hold(
    url: &str,
    mut prefixes: mpsc::UnboundedReceiver<String>,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let databases = Databases::prepare(url).await?;
    answer(databases.template_url());
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
    databases.drop_all(databases.prefix()).await?;
    served
}

/// The lines of stdin. From a thread: a read that the runtime started could keep it from ending.
fn prefixes() -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    thread::spawn(move || {
        io::stdin().lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
    });
    receiver
}

/// Resolves at SIGTERM or Ctrl-C; the Ctrl-C that stops the tests does not come here.
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

fn answer(text: &str) {
    // Who does not listen any more needs no answer.
    let _ = writeln!(io::stdout(), "{text}");
}
