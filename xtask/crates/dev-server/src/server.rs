//! Starts and stops one server process.

use std::{
    io::{BufRead, BufReader, Read},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, mpsc::Sender},
    thread,
    time::{Duration, Instant},
};

use anyhow::Context;
use shared_child::SharedChild;

use crate::{event::Event, report};

/// The time limit for requests in flight during a graceful shutdown. API_REQUEST_TIMEOUT_SECONDS usually ends the
/// requests earlier.
const SHUTDOWN_SECONDS: &str = "300";

pub(crate) struct Server {
    pub(crate) number: u32,
    pub(crate) started: Instant,
    /// The path of the program.
    pub(crate) program: PathBuf,
    process: Arc<SharedChild>,
}

impl Server {
    /// Starts `program` on `listener`. Sends [`Event::Ready`] when the server accepts connections, and [`Event::Ended`]
    /// when the process exits.
    pub(crate) fn start(
        number: u32,
        program: &Path,
        listener: &Listener,
        folder: &Path,
        events: Sender<Event>,
    ) -> anyhow::Result<Self> {
        let mut command = Command::new(program);
        command
            .env("API_SHUTDOWN_SECONDS", SHUTDOWN_SECONDS)
            .env("RELOAD_FOLDER", folder)
            .stdout(Stdio::piped());
        listener.hand_over(&mut command)?;
        let process = SharedChild::spawn(&mut command)
            .with_context(|| format!("cannot start {}", program.display()))?;
        let process = Arc::new(process);
        let running = process.clone();
        thread::spawn(move || {
            let stdout = running.take_stdout().expect("stdout is piped");
            pass_on(stdout, || events.send(Event::Ready(number)).is_ok());
            let status = running.wait();
            // Errors are ignored. They occur only if the supervisor has ended.
            let _ = events.send(Event::Ended(
                number,
                status.map_or_else(|it| it.to_string(), |it| it.to_string()),
            ));
        });
        Ok(Self { number, started: Instant::now(), program: program.to_owned(), process })
    }

    /// Returns the process id.
    pub(crate) fn process(&self) -> u32 {
        self.process.id()
    }

    /// Starts a graceful shutdown.
    pub(crate) fn stop(&self) {
        // Errors are ignored, because the process may have exited already.
        #[cfg(unix)]
        let _ = shared_child::unix::SharedChildExt::send_signal(
            &*self.process,
            rustix::process::Signal::TERM.as_raw(),
        );
        #[cfg(not(unix))]
        let _ = self.process.kill();
    }

    /// Starts a graceful shutdown, and kills the process after `timeout`.
    pub(crate) fn end(&self, timeout: Duration) {
        self.stop();
        let stopped = Instant::now();
        while matches!(self.process.try_wait(), Ok(None)) {
            if stopped.elapsed() > timeout {
                let _ = self.process.kill();
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Prints the output of the server. Calls `ready` for the line `ready`, and stops if `ready` returns false.
fn pass_on(stdout: impl Read, mut ready: impl FnMut() -> bool) {
    for line in BufReader::new(stdout).lines().map_while(Result::ok) {
        if line != "ready" {
            report::pass_on(&line);
        } else if !ready() {
            return;
        }
    }
}

/// The listening socket that all servers share. The socket stays open while servers are replaced, so clients wait for a
/// moment and are never refused.
#[cfg(unix)]
pub(crate) struct Listener(TcpListener);

#[cfg(unix)]
impl Listener {
    /// True if the old server can keep serving until the new server is ready.
    pub(crate) const IS_SHARED: bool = true;

    pub(crate) fn bind(address: &str) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address).with_context(|| {
            format!("cannot listen on {address}. Stop the program that uses the port, or set API_PORT in .env")
        })?;
        Ok(Self(listener))
    }

    fn hand_over(&self, command: &mut Command) -> anyhow::Result<()> {
        let socket = std::os::fd::OwnedFd::from(self.0.try_clone()?);
        command.env("API_LISTEN", "stdin").stdin(Stdio::from(socket));
        Ok(())
    }
}

/// The listening address. Windows cannot pass sockets to child processes, so each server binds the port itself after
/// the previous server has stopped.
#[cfg(not(unix))]
pub(crate) struct Listener(String);

#[cfg(not(unix))]
impl Listener {
    pub(crate) const IS_SHARED: bool = false;

    pub(crate) fn bind(address: &str) -> anyhow::Result<Self> {
        drop(TcpListener::bind(address).with_context(|| {
            format!("cannot listen on {address}. Stop the program that uses the port, or set API_PORT in .env")
        })?);
        Ok(Self(address.to_owned()))
    }

    #[expect(clippy::unnecessary_wraps, reason = "same signature as on Unix")]
    fn hand_over(&self, command: &mut Command) -> anyhow::Result<()> {
        command.env("API_LISTEN", &self.0).stdin(Stdio::null());
        Ok(())
    }
}
