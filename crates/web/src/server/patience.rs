//! A connection that ends when its client keeps it waiting, for a request's header, for the next
//! request, or to read an answer, or when a request does not end.
//!
//! hyper has one time limit for both a slow header and an idle connection, none for the first bytes or
//! for answers that nobody reads, and reads the size of a chunk for as long as it begins with zeros.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll},
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

/// Bytes of an HTTP/1.1 request beside those of its body: header, chunk extensions and trailers, each of
/// which hyper limits, and what it has read of the next request.
const BESIDE_BODY: usize = 128 * 1024;
/// Bytes that a chunk of one byte takes.
const CHUNK: usize = "1\r\na\r\n".len();

/// The requests of one connection.
#[derive(Default)]
pub(super) struct Requests {
    in_flight: AtomicUsize,
    ended: AtomicUsize,
    http2: AtomicBool,
    /// Whoever waits for the client, told when a request has ended.
    reader: AtomicWaker,
}

impl Requests {
    /// A request is in flight until the returned value is dropped.
    pub(super) fn begin(self: &Arc<Self>, version: Version) -> InFlight {
        self.in_flight.fetch_add(1, Relaxed);
        self.http2.store(version == Version::HTTP_2, Relaxed);
        InFlight(self.clone())
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

/// What a connection waits for; the number tells one time from the next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wait {
    /// A request has begun to come, or the very first is due.
    Header(usize),
    /// No request has.
    Next(usize),
}

pub(super) struct Patience {
    stream: TcpStream,
    requests: Arc<Requests>,
    header_timeout: Duration,
    idle_timeout: Duration,
    /// The requests that had ended when the client last sent something while none was in flight.
    heard: Option<usize>,
    /// The requests that had ended before this one, and how many bytes of it have come.
    length: (usize, usize),
    longest: usize,
    wait: Option<Wait>,
    read_timer: Pin<Box<Sleep>>,
    /// Runs while the client does not read.
    write_timer: Option<Pin<Box<Sleep>>>,
    /// Whether others have been let go before what is to be written now.
    has_let_others: bool,
}

impl Patience {
    pub(super) fn new(stream: TcpStream, requests: Arc<Requests>, limits: &ServerConfig) -> Self {
        Self {
            stream,
            requests,
            header_timeout: limits.header_timeout,
            idle_timeout: limits.idle_timeout,
            heard: Some(0),
            length: (0, 0),
            longest: limits.body_limit.saturating_mul(CHUNK).saturating_add(BESIDE_BODY),
            wait: None,
            read_timer: Box::pin(sleep(limits.header_timeout)),
            write_timer: None,
            has_let_others: false,
        }
    }

    /// Notes that the client has sent something; an error if no request is as long.
    fn hear(&mut self, bytes: usize) -> io::Result<()> {
        if self.requests.http2.load(Relaxed) {
            // Frames between requests are everyday: the connection is idle from here on.
            self.wait = None;
            return Ok(());
        }
        let ended = self.requests.ended.load(Relaxed);
        if self.requests.in_flight.load(Relaxed) == 0 {
            self.heard = Some(ended);
        }
        let before = if self.length.0 == ended { self.length.1 } else { 0 };
        self.length = (ended, before + bytes);
        if before + bytes > self.longest { Err(io::ErrorKind::InvalidData.into()) } else { Ok(()) }
    }

    /// Resolves when the client has been waited for long enough.
    fn poll_wait(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        // hyper does not read while it has nothing to wait for: the end of a request makes it.
        self.requests.reader.register(cx.waker());
        let ended = self.requests.ended.load(Relaxed);
        let (wait, limit) = match self.requests.in_flight.load(Relaxed) {
            0 if self.heard == Some(ended) => (Wait::Header(ended), self.header_timeout),
            0 => (Wait::Next(ended), self.idle_timeout),
            _ => return Poll::Pending,
        };
        if self.wait.replace(wait) != Some(wait) {
            self.read_timer.as_mut().reset(Instant::now() + limit);
        }
        self.read_timer.as_mut().poll(cx).map(|()| io::ErrorKind::TimedOut.into())
    }

    /// `written`, or an error when the client has not read for long enough.
    fn poll_written<T>(
        &mut self,
        written: Poll<io::Result<T>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.write_timer = None;
            return written;
        }
        let idle_timeout = self.idle_timeout;
        let timer = self.write_timer.get_or_insert_with(|| Box::pin(sleep(idle_timeout)));
        timer.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Patience {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if read.is_ready() {
            let heard = self.hear(buffer.filled().len() - before);
            return read.map(|read| read.and(heard));
        }
        self.poll_wait(cx).map(Err)
    }
}

impl AsyncWrite for Patience {
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
        // Tasks that are about to answer as well go first. So answers leave one right after the other, which wakes
        // a client or a proxy with many connections once, and what it asks next comes together, too.
        if !self.has_let_others {
            self.has_let_others = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.has_let_others = written.is_pending();
        self.poll_written(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
