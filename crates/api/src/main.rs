//! The API server. `api` serves, `api healthcheck` asks a running one, `api openapi` prints the document.

use std::process::ExitCode;

// Says that what is below the API comes from that library.
#[cfg(feature = "prelinked")]
use prelinked as _;

/// The system's had a seventh of a busy server's time: with this one it answers a tenth more. A program has one,
/// and where it loads a library, that one's.
#[cfg(not(feature = "prelinked"))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// No more than this: it is compiled at every edit of the API, after all else.
fn main() -> ExitCode {
    let word = std::env::args().nth(1);
    api::run(word.as_deref(), &|name| std::env::var(name).ok())
}
