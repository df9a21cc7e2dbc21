//! Writes the log to stderr, several lines at a time on a busy server.
//!
//! A runtime thread buffers its lines while it has work, and writes them before it parks: one system call for
//! each line would take a twelfth of a busy server's time. A process that is killed loses the buffered lines.

use std::{
    cell::RefCell,
    io::{self, Write, stderr},
};

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// The size in bytes at which a buffer is written.
const BUFFER_SIZE: usize = 8 * 1024;

thread_local! {
    /// The buffer of a thread that calls [`flush`] before it parks. Other threads write each line immediately.
    static BUFFER: RefCell<Option<Buffer>> = const { RefCell::new(None) };
}

/// Writes the lines that this thread has buffered. Call before a runtime thread parks.
pub(crate) fn flush() {
    BUFFER.with_borrow_mut(|buffer| buffer.get_or_insert_default().flush());
}

/// Makes the writer of each log line.
pub(crate) struct BufferedStderr;

/// Writes one log line.
pub(crate) enum LineWriter {
    /// For warnings and errors, which may explain a crash.
    Immediate,
    Buffered,
}

impl<'a> MakeWriter<'a> for BufferedStderr {
    type Writer = LineWriter;

    fn make_writer(&'a self) -> LineWriter {
        LineWriter::Immediate
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> LineWriter {
        if *metadata.level() <= Level::WARN { LineWriter::Immediate } else { LineWriter::Buffered }
    }
}

impl Write for LineWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let is_buffered = BUFFER.try_with(|buffer| {
            let mut buffer = buffer.borrow_mut();
            let Some(buffer) = &mut *buffer else { return false };
            buffer.0.extend_from_slice(line);
            if matches!(self, Self::Immediate) || buffer.0.len() >= BUFFER_SIZE {
                buffer.flush();
            }
            true
        });
        // A thread that is ending no longer has a buffer.
        if is_buffered.unwrap_or_default() { Ok(line.len()) } else { stderr().write(line) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Default)]
struct Buffer(Vec<u8>);

impl Buffer {
    fn flush(&mut self) {
        // A log that cannot be written cannot report its error either.
        let _ = stderr().write_all(&self.0);
        self.0.clear();
    }
}

/// Runs when the thread ends.
impl Drop for Buffer {
    fn drop(&mut self) {
        self.flush();
    }
}
