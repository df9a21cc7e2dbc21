//! A connection on which a test sends what a client library would not.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// Far longer than anything takes that a test waits for.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Wire(TcpStream);

impl Wire {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.expect("a connection"))
    }

    /// Sends `bytes`; a server that has closed already does not get them.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.0.write_all(bytes.as_ref()).await;
    }

    /// Sends `bytes` over and over until the server has closed, at most `limit` in all; returns how
    /// many went.
    pub(crate) async fn flood(&mut self, bytes: &[u8], limit: usize) -> usize {
        let mut sent = 0;
        while sent < limit {
            let write = timeout(6 * PATIENCE, self.0.write_all(bytes)).await;
            if write.expect("the server reads or closes").is_err() {
                break;
            }
            sent += bytes.len();
        }
        sent
    }

    /// Sends a GET that leaves the connection open.
    pub(crate) async fn get(&mut self, path: &str) {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: api\r\n\r\n")).await;
    }

    /// One answer, which must have a Content-Length.
    pub(crate) async fn answer(&mut self) -> String {
        let mut answer = String::new();
        while !is_whole(&answer) {
            let mut bytes = [0; 4096];
            let read = timeout(PATIENCE, self.0.read(&mut bytes)).await;
            let count = read.expect("an answer in time").expect("an open connection");
            assert_ne!(count, 0, "the connection ended after {answer:?}");
            answer += std::str::from_utf8(&bytes[..count]).expect("ASCII");
        }
        answer
    }

    /// Whether the server has neither sent anything nor closed.
    pub(crate) fn is_open(&self) -> bool {
        let read = self.0.try_read(&mut [0]);
        read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    }

    /// Whether nothing comes for a short while.
    pub(crate) async fn is_silent(&mut self) -> bool {
        timeout(Duration::from_millis(100), self.0.peek(&mut [0])).await.is_err()
    }

    /// Everything that comes until the server closes, which it must do.
    pub(crate) async fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        // A reset is an end as well.
        let _ = timeout(PATIENCE, self.0.read_to_end(&mut rest)).await.expect("an end in time");
        String::from_utf8(rest).expect("UTF-8")
    }
}

/// Whether `answer` has as much body as it says.
fn is_whole(answer: &str) -> bool {
    let Some((head, body)) = answer.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.expect("a length").parse().expect("a number");
    body.len() >= length
}
