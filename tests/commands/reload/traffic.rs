//! Clients that forgive nothing: on new connections and on one that is kept alive.

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

/// Between two requests of a client: there are two, which makes 50 requests a second.
const PAUSE: Duration = Duration::from_millis(40);

pub(super) struct Traffic {
    end: Arc<AtomicBool>,
    clients: Vec<JoinHandle<(usize, Vec<String>)>>,
}

impl Traffic {
    /// Asks `address` for persons until [`Self::end`].
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

    /// How many requests were answered, and what happened to the others.
    pub(super) fn end(self) -> (usize, Vec<String>) {
        self.end.store(true, Relaxed);
        let (mut answered, mut failures) = (0, Vec::new());
        for client in self.clients {
            let (more, failed) = client.join().expect("no panic");
            answered += more;
            failures.extend(failed);
        }
        (answered, failures)
    }
}

fn ask(address: &str, request: &str, end: &AtomicBool) -> (usize, Vec<String>) {
    let (mut answered, mut failures, mut kept) = (0, Vec::new(), None);
    while !end.load(Relaxed) {
        match exchange(address, request, kept.take()) {
            Ok(connection) => {
                answered += 1;
                kept = connection;
            }
            Err(error) => failures.push(error.to_string()),
        }
        thread::sleep(PAUSE);
    }
    (answered, failures)
}

/// One request and its answer, which must be 200. Returns the connection if it goes on.
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
    let (mut length, mut goes_on, mut head) = (0, true, String::new());
    while !head.ends_with("\r\n\r\n") {
        let start = head.len();
        if stream.read_line(&mut head)? == 0 {
            return Err(io::Error::other(format!("the connection ended after {head:?}")));
        }
        let line = head[start..].to_ascii_lowercase();
        if let Some(number) = line.strip_prefix("content-length:") {
            length = number.trim().parse().map_err(io::Error::other)?;
        }
        goes_on &= line.trim_end() != "connection: close";
    }
    if !head.starts_with("HTTP/1.1 200 ") {
        return Err(io::Error::other(head));
    }
    stream.read_exact(&mut vec![0; length])?;
    Ok(goes_on.then_some(stream))
}
