//! A plain connection for requests that client libraries cannot send.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// The timeout of a read. It is far longer than any step of a test.
const TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) struct Wire(TcpStream);

impl Wire {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.expect("a connection"))
    }

    /// Sends `bytes`. Ignores a closed connection.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.0.write_all(bytes.as_ref()).await;
    }

    /// Sends `bytes` repeatedly until the server closes the connection or `limit` is reached. Returns the number of
    /// bytes sent.
    pub(crate) async fn flood(&mut self, bytes: &[u8], limit: usize) -> usize {
        let mut sent = 0;
        while sent < limit {
            let write = timeout(6 * TIMEOUT, self.0.write_all(bytes)).await;
            if write.expect("the server reads or closes").is_err() {
                break;
            }
            sent += bytes.len();
        }
        sent
    }

    /// Sends a GET that keeps the connection open.
    pub(crate) async fn get(&mut self, path: &str) {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: api\r\n\r\n")).await;
    }

    /// Reads one response, which must have a Content-Length.
    pub(crate) async fn response(&mut self) -> String {
        let mut response = String::new();
        while !is_whole(&response) {
            let mut bytes = [0; 4096];
            let read = timeout(TIMEOUT, self.0.read(&mut bytes)).await;
            let count = read.expect("a response in time").expect("an open connection");
            assert_ne!(count, 0, "the connection ended after {response:?}");
            response += std::str::from_utf8(&bytes[..count]).expect("ASCII");
        }
        response
    }

    /// Returns whether the server has neither sent anything nor closed the connection.
    pub(crate) fn is_open(&self) -> bool {
        let read = self.0.try_read(&mut [0]);
        read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    }

    /// Returns whether nothing arrives for a short time.
    pub(crate) async fn is_silent(&mut self) -> bool {
        timeout(Duration::from_millis(100), self.0.peek(&mut [0])).await.is_err()
    }

    /// Reads until the server closes the connection.
    pub(crate) async fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        // Errors are ignored, because a reset also closes the connection.
        let _ = timeout(TIMEOUT, self.0.read_to_end(&mut rest)).await.expect("an end in time");
        String::from_utf8(rest).expect("UTF-8")
    }
}

/// Returns whether the response has its complete body.
fn is_whole(response: &str) -> bool {
    let Some((head, body)) = response.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.expect("a length").parse().expect("a number");
    body.len() >= length
}
