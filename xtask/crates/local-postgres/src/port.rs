//! Finds a free port.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// Returns `preferred` if the port is free on 127.0.0.1, or otherwise a port from the system.
///
/// Another program can take the port before the caller uses it, so the caller should retry.
pub fn free_port(preferred: Option<u16>) -> io::Result<u16> {
    match preferred {
        Some(port) if is_free(port) => Ok(port),
        _ => Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port()),
    }
}

/// Returns whether no program listens on `port` of 127.0.0.1.
pub fn is_free(port: u16) -> bool {
    // Tries to connect too, because binding 127.0.0.1 on macOS succeeds even if a program listens on all addresses.
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let accepts = TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_ok();
    !accepts && TcpListener::bind(address).is_ok()
}
