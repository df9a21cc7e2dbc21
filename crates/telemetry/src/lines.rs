//! Where the log's lines go: to stderr, those of a busy server several at a time.
//!
//! A system call for each line would be a twelfth of all that a busy server does. So a thread of the runtime keeps its
//! lines while there is more to do, and writes them before it waits.

use std::{
    cell::RefCell,
    io::{self, Write, stderr},
};

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// As long as this, it does not matter any more what a system call costs.
const ENOUGH: usize = 8 * 1024;

thread_local! {
    /// Of a thread that calls [`flush`] before it waits; others write each line at once.
    static KEPT: RefCell<Option<Kept>> = const { RefCell::new(None) };
}

/// Writes the lines that this thread has kept. To be called before a thread of the runtime waits.
pub fn flush() {
    KEPT.with_borrow_mut(|kept| kept.get_or_insert_default().flush());
}

/// Where each line finds its writer.
pub(crate) struct Lines;

/// Takes one line.
pub(crate) enum Line {
    /// Nothing is lost of what a crash would explain.
    AtOnce,
    WithOthers,
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line::AtOnce
    }

    fn make_writer_for(&'a self, of: &Metadata<'_>) -> Line {
        if *of.level() <= Level::WARN { Line::AtOnce } else { Line::WithOthers }
    }
}

impl Write for Line {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let is_kept = KEPT.try_with(|kept| {
            let mut kept = kept.borrow_mut();
            let Some(kept) = &mut *kept else { return false };
            kept.0.extend_from_slice(line);
            if matches!(self, Self::AtOnce) || kept.0.len() >= ENOUGH {
                kept.flush();
            }
            true
        });
        // At the end of a thread, there is nothing any more to keep it in.
        if is_kept.unwrap_or_default() { Ok(line.len()) } else { stderr().write(line) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Default)]
struct Kept(Vec<u8>);

impl Kept {
    fn flush(&mut self) {
        // There is nobody to tell of a log that cannot be written.
        let _ = stderr().write_all(&self.0);
        self.0.clear();
    }
}

/// The end of the thread.
impl Drop for Kept {
    fn drop(&mut self) {
        self.flush();
    }
}
