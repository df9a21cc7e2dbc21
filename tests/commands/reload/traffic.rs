//! Clients that record every failed request, with new connections and with a persistent connection.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// The pause of a client between two requests. Two clients send about 50 requests per second.
const PAUSE: Duration = Duration::from_millis(40);

pub(super) struct Traffic {
    end: Arc<AtomicBool>,
    clients: Vec<JoinHandle<(usize, Vec<String>)>>,
}

impl Traffic {
    /// Starts to request persons from `address`, until [`Self::end`].
    pub(super) fn start(address: &str, token: &str) -> Self {
        let end = Arc::<AtomicBool>::default();
        let request = |connection: &str| {
            format!(
                "GET /persons?limit=1 HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
                 Connection: {connection}\r\n\r\n"
            )
        };
        let clients = ["close", "keep-alive"].map(|connection| {
            let (end, address) = (end.clone(), address.to_owned());
            let request = request(connection);
            thread::spawn(move || ask(&address, &request, &end))
        });
        Self { end, clients: clients.into() }
    }

    /// Returns the number of successful requests, and the errors of the others.
    pub(super) fn end(self) -> (usize, Vec<String>) {
        self.end.store(true, Relaxed);
        let (mut successes, mut failures) = (0, Vec::new());
        for client in self.clients {
            let (more, failed) = client.join().expect("no panic");
            successes += more;
            failures.extend(failed);
        }
        (successes, failures)
    }
}

fn ask(address: &str, request: &str, end: &AtomicBool) -> (usize, Vec<String>) {
    let (mut successes, mut failures, mut kept) = (0, Vec::new(), None);
    while !end.load(Relaxed) {
        match exchange(address, request, kept.take()) {
            Ok(connection) => {
                successes += 1;
                kept = connection;
            }
            Err(error) => failures.push(error.to_string()),
        }
        thread::sleep(PAUSE);
    }
    (successes, failures)
}

/// Sends a request and reads its response, which must be 200. Returns the connection if it stays open.
fn exchange(
    address: &str,
    request: &str,
    kept: Option<BufReader<TcpStream>>,
) -> io::Result<Option<BufReader<TcpStream>>> {
    let mut stream = match kept {
        Some(stream) => stream,
        None => BufReader::new(TcpStream::connect(address)?),
    };
    stream.get_ref().set_read_timeout(Some(Duration::from_secs(30)))?;
    stream.get_mut().write_all(request.as_bytes())?;
    let (mut length, mut stays_open, mut head) = (0, true, String::new());
    while !head.ends_with("\r\n\r\n") {
        let start = head.len();
        if stream.read_line(&mut head)? == 0 {
            return Err(io::Error::other(format!("the connection ended after {head:?}")));
        }
        let line = head[start..].to_ascii_lowercase();
        if let Some(number) = line.strip_prefix("content-length:") {
            length = number.trim().parse().map_err(io::Error::other)?;
        }
        stays_open &= line.trim_end() != "connection: close";
    }
    if !head.starts_with("HTTP/1.1 200 ") {
        return Err(io::Error::other(head));
    }
    stream.read_exact(&mut vec![0; length])?;
    Ok(stays_open.then_some(stream))
}
