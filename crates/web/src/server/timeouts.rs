//! Limits of a connection: the timeouts for the header of a request, for the next request, and for reading a response,
//! and the maximum size of a request.
//!
//! The limits of hyper are not sufficient. hyper has the same timeout for slow headers and for idle connections. It
//! does not have a timeout for the first bytes of a connection or for responses that the client does not read, and it
//! does not limit the leading zeros of a chunk size.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use config::ServerConfig;
use futures_util::task::AtomicWaker;
use poem::http::Version;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep},
};

/// The maximum number of bytes of an HTTP/1.1 request without its body: header, chunk extensions and trailers, which
/// hyper limits, and the bytes of the next request that hyper has already read.
const OVERHEAD: usize = 128 * 1024;
/// The number of bytes that a chunk with one byte of content needs.
const CHUNK: usize = "1\r\na\r\n".len();

/// The time in which a client may send the rest of a request after the last response of a connection.
const LINGER: Duration = Duration::from_secs(2);

/// The requests of one connection.
#[derive(Default)]
pub(super) struct Requests {
    in_flight: AtomicUsize,
    ended: AtomicUsize,
    http2: AtomicBool,
    /// The task that waits for the client, woken when a request ends.
    reader: AtomicWaker,
}

impl Requests {
    /// Counts a request as in flight until the returned value is dropped.
    pub(super) fn begin(self: &Arc<Self>, version: Version) -> InFlight {
        self.in_flight.fetch_add(1, Relaxed);
        self.http2.store(version == Version::HTTP_2, Relaxed);
        InFlight(self.clone())
    }

    /// Returns true if the connection uses HTTP/2. The first request decides.
    pub(super) fn is_http2(&self) -> bool {
        self.http2.load(Relaxed)
    }
}

pub(super) struct InFlight(Arc<Requests>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Relaxed);
        self.0.in_flight.fetch_sub(1, Relaxed);
        self.0.reader.wake();
    }
}

/// The event that a connection waits for, with the number of requests that have ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wait {
    /// The rest of a header, or the first request.
    Header(usize),
    /// The next request.
    Next(usize),
}

pub(super) struct TimeoutStream {
    stream: TcpStream,
    requests: Arc<Requests>,
    header_timeout: Duration,
    idle_timeout: Duration,
    /// The number of ended requests when the client last sent bytes while no request was in flight.
    received: Option<usize>,
    /// The number of requests that ended before the current request, and the received bytes of the current request.
    length: (usize, usize),
    max_bytes: usize,
    wait: Option<Wait>,
    /// The received bytes of HTTP/2 for which no bytes were written yet.
    unanswered: usize,
    read_timer: Pin<Box<Sleep>>,
    /// The timeout that runs while the client does not read the response.
    write_timer: Option<Pin<Box<Sleep>>>,
    /// Set while the connection closes, with the number of discarded bytes.
    linger: Option<(Pin<Box<Sleep>>, usize)>,
}

impl TimeoutStream {
    pub(super) fn new(stream: TcpStream, requests: Arc<Requests>, limits: &ServerConfig) -> Self {
        Self {
            stream,
            requests,
            header_timeout: limits.header_timeout,
            idle_timeout: limits.idle_timeout,
            received: Some(0),
            length: (0, 0),
            max_bytes: limits.body_limit.saturating_mul(CHUNK).saturating_add(OVERHEAD),
            wait: None,
            unanswered: 0,
            read_timer: Box::pin(sleep(limits.header_timeout)),
            write_timer: None,
            linger: None,
        }
    }

    /// Records received bytes.
    ///
    /// # Errors
    /// Returns an error if the request is longer than any valid request.
    fn record_bytes(&mut self, bytes: usize) -> io::Result<()> {
        if self.requests.is_http2() {
            self.unanswered += bytes;
            return Ok(());
        }
        let ended = self.requests.ended.load(Relaxed);
        if self.requests.in_flight.load(Relaxed) == 0 {
            self.received = Some(ended);
        }
        let before = if self.length.0 == ended { self.length.1 } else { 0 };
        self.length = (ended, before + bytes);
        if before + bytes > self.max_bytes {
            Err(io::ErrorKind::InvalidData.into())
        } else {
            Ok(())
        }
    }

    /// Resolves when the timeout of the current wait has passed.
    fn poll_wait(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        // hyper does not poll this stream while a request is in flight, so the end of the request must wake the task.
        self.requests.reader.register(cx.waker());
        let ended = self.requests.ended.load(Relaxed);
        let (wait, limit) = match self.requests.in_flight.load(Relaxed) {
            0 if self.received == Some(ended) => (Wait::Header(ended), self.header_timeout),
            0 => (Wait::Next(ended), self.idle_timeout),
            _ => return Poll::Pending,
        };
        if self.wait.replace(wait) != Some(wait) {
            self.read_timer.as_mut().reset(Instant::now() + limit);
            self.unanswered = 0;
        }
        self.read_timer.as_mut().poll(cx).map(|()| io::ErrorKind::TimedOut.into())
    }

    /// Restarts the idle timeout while a response is written, which takes longer than its request.
    ///
    /// Responses to frames such as PING do not count. They are not longer than the received frames.
    fn record_written(&mut self, bytes: usize) {
        let is_idle = self.wait == Some(Wait::Next(self.requests.ended.load(Relaxed)));
        if is_idle && bytes > self.unanswered {
            self.read_timer.as_mut().reset(Instant::now() + self.idle_timeout);
        }
        self.unanswered = self.unanswered.saturating_sub(bytes);
    }

    /// Returns `written`, or an error when the client has not read for the idle timeout.
    fn poll_written(
        &mut self,
        written: Poll<io::Result<usize>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(written) = written {
            self.write_timer = None;
            if let Ok(bytes) = written {
                self.record_written(bytes);
            }
            return Poll::Ready(written);
        }
        let idle_timeout = self.idle_timeout;
        let timer = self.write_timer.get_or_insert_with(|| Box::pin(sleep(idle_timeout)));
        timer.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for TimeoutStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if read.is_ready() {
            // On HTTP/2, frames such as PING arrive between requests. They do not extend the idle timeout.
            if self.requests.is_http2()
                && let Poll::Ready(error) = self.poll_wait(cx)
            {
                return Poll::Ready(Err(error));
            }
            let recorded = self.record_bytes(buffer.filled().len() - before);
            return read.map(|read| read.and(recorded));
        }
        self.poll_wait(cx).map(Err)
    }
}

impl AsyncWrite for TimeoutStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.poll_written(written, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.poll_written(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// Ends the sending side, then discards the rest of a request that was rejected early. Closing a socket with unread
    /// bytes resets the connection, and the client or its proxy could lose the response.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { stream, linger, max_bytes, .. } = &mut *self;
        ready!(Pin::new(&mut *stream).poll_shutdown(cx))?;
        let (timer, discarded) = linger.get_or_insert_with(|| (Box::pin(sleep(LINGER)), 0));
        let mut bytes = [0; 8192];
        while discarded < max_bytes && timer.as_mut().poll(cx).is_pending() {
            let mut buffer = ReadBuf::new(&mut bytes);
            let read = ready!(Pin::new(&mut *stream).poll_read(cx, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                break;
            }
            *discarded += buffer.filled().len();
        }
        Poll::Ready(Ok(()))
    }
}
