//! `test-postgres`: holds the one PostgreSQL of a test run, and takes it down when the tests end.
//!
//! It prints the URL of the template database, or why there is none. Each line it reads is a prefix:
//! the databases so called are dropped. Its input ends when the tests do, killed ones included.
//! `test-postgres own` holds a server for one test alone; its lines are what happens to that server.

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
            answer(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> anyhow::Result<()> {
    // Listened for first: nothing that comes while the server starts is lost.
    let stop = stop_signal()?;
    let lines = lines();
    let variable = |name: &str| std::env::var(name).ok();
    if std::env::args().nth(1).as_deref() == Some("own") {
        let server = Server::start_own(&variable).await?;
        let held = hold_own(&server, lines, stop).await;
        // One that is paused does not stop; to tell another to go on fails.
        let _ = server.suffer("continue").await;
        server.stop().await?;
        return held;
    }
    let server = Server::start(&variable).await?;
    let held = hold(&server.url(), lines, stop).await;
    server.stop().await?;
    held
}

/// Does to the server what each line says, and answers when that is done, until the test ends.
async fn hold_own(
    server: &Server,
    mut faults: mpsc::UnboundedReceiver<String>,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let databases = Databases::prepare(&server.url()).await?;
    answer(databases.template_url());
    drop(databases);
    let suffer = async {
        while let Some(fault) = faults.recv().await {
            server.suffer(&fault).await?;
            answer(&fault);
        }
        Ok(())
    };
    tokio::select! {
        suffered = suffer => suffered,
        () = stop => Ok(()),
    }
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
fn lines() -> mpsc::UnboundedReceiver<String> {
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
