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
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, limit)?;
    stream.set_read_timeout(Some(limit))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n")?;
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
