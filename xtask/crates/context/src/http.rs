//! A minimal HTTP client for the API on this machine, which compiles faster than a library.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    time::Duration,
};

const TIMEOUT: Duration = Duration::from_secs(3);

/// Sends `GET path` to `port` on this machine and returns the status and the body of the response.
pub fn get(port: u16, path: &str) -> io::Result<(u16, String)> {
    get_within(TIMEOUT, port, path)
}

/// Works like [`get`], with a timeout for the connection and for each read.
pub fn get_within(limit: Duration, port: u16, path: &str) -> io::Result<(u16, String)> {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, InvalidData};

    let is_closed = |error: &io::Error| {
        matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | InvalidData)
    };
    match send(limit, port, path, "") {
        // With PROXY_PROTOCOL=true, nginx closes a connection that does not begin with this line.
        Err(error) if is_closed(&error) => send(limit, port, path, "PROXY UNKNOWN\r\n"),
        result => result,
    }
}

fn send(limit: Duration, port: u16, path: &str, line: &str) -> io::Result<(u16, String)> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, limit)?;
    stream.set_read_timeout(Some(limit))?;
    let host = format!("Host: localhost:{port}\r\nConnection: close\r\n\r\n");
    stream.write_all(format!("{line}GET {path} HTTP/1.1\r\n{host}").as_bytes())?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    let (head, body) = response.split_once("\r\n\r\n").unwrap_or((&response, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok((status.ok_or(io::ErrorKind::InvalidData)?, body.to_owned()))
}

/// Returns whether the readiness check of the API on `port` succeeds.
pub fn is_ready(port: u16) -> bool {
    get(port, "/health/ready").is_ok_and(|(status, _)| status == 200)
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader},
        net::TcpListener,
        thread,
    };

    use super::*;

    #[test]
    fn readiness_is_found_behind_the_proxy_protocol() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let server = thread::spawn(move || {
            // Like nginx, closes a connection without the line of the protocol.
            for stream in listener.incoming().take(2) {
                let mut stream = BufReader::new(stream.expect("a connection"));
                let mut line = String::new();
                stream.read_line(&mut line).expect("a line");
                if line == "PROXY UNKNOWN\r\n" {
                    stream.into_inner().write_all(b"HTTP/1.1 200 OK\r\n\r\n").expect("a client");
                }
            }
        });
        assert!(is_ready(port));
        server.join().expect("no panic");
    }
}
