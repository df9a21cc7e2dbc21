//! The protocol between the supervisor and other processes, on a loopback port whose number is in the file `control`.
//! A request is one word. The response is one or more lines, each a [`Status`] as JSON.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::Path,
    sync::mpsc::Sender,
    thread,
    time::Duration,
};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::{event::Event, report, request::Request, status::Status};

const FILE: &str = "control";
/// The timeout of a client. A slow client must not block the supervisor for longer than this time.
const IO_TIMEOUT: Duration = Duration::from_millis(500);

/// The clients that wait for a response.
#[derive(Default)]
pub(crate) struct Subscribers {
    waiting: Vec<TcpStream>,
    watching: Vec<TcpStream>,
    /// The last published line.
    last_line: String,
}

impl Subscribers {
    /// Responds immediately or keeps the client for later responses.
    pub(crate) fn add(&mut self, request: Request, stream: TcpStream, status: &Status) {
        match request {
            Request::Status => _ = send(&stream, &line(status)),
            Request::Wait => self.waiting.push(stream),
            Request::Watch if send(&stream, &line(status)) => self.watching.push(stream),
            Request::Watch => {}
        }
    }

    /// Sends a changed status to watching clients. If `settled`, also sends it to waiting clients.
    pub(crate) fn publish(&mut self, status: &Status, settled: bool) {
        let line = line(status);
        if line != self.last_line {
            self.watching.retain(|stream| send(stream, &line));
        }
        if settled {
            self.waiting.drain(..).for_each(|stream| _ = send(&stream, &line));
        }
        self.last_line = line;
    }
}

/// Sends a line, and returns whether the client is still connected.
fn send(mut stream: &TcpStream, line: &str) -> bool {
    stream.write_all(line.as_bytes()).is_ok()
}

fn line(status: &Status) -> String {
    format!("{}\n", serde_json::to_string(status).expect("plain data"))
}

/// Accepts requests in a background thread. Sends each request as [`Event::Requested`].
pub(crate) fn open(folder: &Path, events: Sender<Event>) -> anyhow::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let new = folder.join("control.new");
    fs::write(&new, listener.local_addr()?.port().to_string())
        .and_then(|()| fs::rename(&new, folder.join(FILE)))
        .with_context(|| format!("cannot write to {}", folder.display()))?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let events = events.clone();
            thread::spawn(move || {
                if let Some(request) = request(&stream) {
                    // Errors are ignored. They occur only if the supervisor has ended, and the connection then closes.
                    let _ = events.send(Event::Requested(request, stream));
                }
            });
        }
    });
    Ok(())
}

fn request(stream: &TcpStream) -> Option<Request> {
    stream.set_read_timeout(Some(IO_TIMEOUT)).ok()?;
    stream.set_write_timeout(Some(IO_TIMEOUT)).ok()?;
    let mut word = String::new();
    BufReader::new(stream.take(16)).read_line(&mut word).ok()?;
    let known = [Request::Status, Request::Wait, Request::Watch];
    known.into_iter().find(|request| request.as_str() == word.trim_end())
}

/// Sends a request to the supervisor of this folder, and prints the response.
///
/// # Errors
/// No supervisor is running, or the newest source failed.
pub(crate) fn query(folder: &Path, request: Request) -> anyhow::Result<()> {
    let connect = || -> anyhow::Result<String> {
        let port: u16 = fs::read_to_string(folder.join(FILE))?.trim().parse()?;
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        writeln!(stream, "{}", request.as_str())?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line)?;
        Ok(line)
    };
    let line = connect().context("dev-server is not running. Run cargo xtask up")?;
    let status: Value =
        serde_json::from_str(&line).context("dev-server ended before it responded")?;
    report::plain(line.trim_end());
    if matches!(status["state"].as_str(), Some("failed" | "crashed")) {
        bail!("the newest source cannot be served. See the log of dev-server.");
    }
    Ok(())
}
