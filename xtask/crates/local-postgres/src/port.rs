//! Finds a port nobody listens on.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// Returns `preferred` when nobody listens there on 127.0.0.1, else a port the system
/// chooses. Another program may take it before you do: be ready to ask again.
pub fn free_port(preferred: Option<u16>) -> io::Result<u16> {
    match preferred {
        Some(port) if is_free(port) => Ok(port),
        _ => Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port()),
    }
}

/// Whether nobody listens on `port` of 127.0.0.1.
pub fn is_free(port: u16) -> bool {
    // macOS lets us bind 127.0.0.1 beside a program that listens on every address (a
    // published port of Docker, say), so binding alone proves too little.
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let answers = TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_ok();
    !answers && TcpListener::bind(address).is_ok()
}
