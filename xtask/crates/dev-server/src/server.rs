//! One server, from its start to its end.

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

/// How long a server that was asked to stop may take for the requests in flight, in seconds. The API ends
/// each of them before that (API_REQUEST_TIMEOUT_SECONDS).
const LAST_REQUESTS: &str = "300";

pub(crate) struct Server {
    pub(crate) number: u32,
    pub(crate) started: Instant,
    /// What it runs.
    pub(crate) program: PathBuf,
    process: Arc<SharedChild>,
}

impl Server {
    /// Starts `program` on `listener`. [`Event::Ready`] comes when it takes connections, [`Event::Ended`] at its end.
    pub(crate) fn start(
        number: u32,
        program: &Path,
        listener: &Listener,
        folder: &Path,
        events: Sender<Event>,
    ) -> anyhow::Result<Self> {
        let mut command = Command::new(program);
        command
            .env("API_SHUTDOWN_SECONDS", LAST_REQUESTS)
            .env("RELOAD_FOLDER", folder)
            .stdout(Stdio::piped());
        listener.hand_over(&mut command)?;
        let process = SharedChild::spawn(&mut command)
            .with_context(|| format!("cannot start {}", program.display()))?;
        let process = Arc::new(process);
        let running = process.clone();
        thread::spawn(move || {
            let said = running.take_stdout().expect("it is piped");
            pass_on(said, || events.send(Event::Ready(number)).is_ok());
            let status = running.wait();
            // The supervisor has ended: nobody is there to be told.
            let _ = events.send(Event::Ended(
                number,
                status.map_or_else(|it| it.to_string(), |it| it.to_string()),
            ));
        });
        Ok(Self { number, started: Instant::now(), program: program.to_owned(), process })
    }

    /// The number of its process.
    pub(crate) fn process(&self) -> u32 {
        self.process.id()
    }

    /// Asks it to finish its requests and end.
    pub(crate) fn stop(&self) {
        // It may have ended by itself in the meantime.
        #[cfg(unix)]
        let _ = shared_child::unix::SharedChildExt::send_signal(
            &*self.process,
            rustix::process::Signal::TERM.as_raw(),
        );
        #[cfg(not(unix))]
        let _ = self.process.kill();
    }

    /// Asks it to end, and ends it after `patience`.
    pub(crate) fn end(&self, patience: Duration) {
        self.stop();
        let asked = Instant::now();
        while matches!(self.process.try_wait(), Ok(None)) {
            if asked.elapsed() > patience {
                let _ = self.process.kill();
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Waits for the word that it takes connections, and passes on all that follows.
fn pass_on(said: impl Read, mut ready: impl FnMut() -> bool) {
    for line in BufReader::new(said).lines().map_while(Result::ok) {
        if line != "ready" {
            report::pass_on(&line);
        } else if !ready() {
            return;
        }
    }
}

/// The socket that every server takes its connections from. It stays open while they come and go: a client
/// waits for a moment and is never refused.
#[cfg(unix)]
pub(crate) struct Listener(TcpListener);

#[cfg(unix)]
impl Listener {
    /// Whether the old server may serve until the new one does.
    pub(crate) const IS_SHARED: bool = true;

    pub(crate) fn bind(address: &str) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address).with_context(|| {
            format!("cannot listen on {address}: stop what does, or set API_PORT in .env")
        })?;
        Ok(Self(listener))
    }

    fn hand_over(&self, command: &mut Command) -> anyhow::Result<()> {
        let socket = std::os::fd::OwnedFd::from(self.0.try_clone()?);
        command.env("API_LISTEN", "stdin").stdin(Stdio::from(socket));
        Ok(())
    }
}

/// Windows hands no sockets over: each server takes the port when the one before has left it.
#[cfg(not(unix))]
pub(crate) struct Listener(String);

#[cfg(not(unix))]
impl Listener {
    pub(crate) const IS_SHARED: bool = false;

    pub(crate) fn bind(address: &str) -> anyhow::Result<Self> {
        drop(TcpListener::bind(address).with_context(|| {
            format!("cannot listen on {address}: stop what does, or set API_PORT in .env")
        })?);
        Ok(Self(address.to_owned()))
    }

    #[expect(clippy::unnecessary_wraps, reason = "as where sockets are handed over")]
    fn hand_over(&self, command: &mut Command) -> anyhow::Result<()> {
        command.env("API_LISTEN", &self.0).stdin(Stdio::null());
        Ok(())
    }
}
