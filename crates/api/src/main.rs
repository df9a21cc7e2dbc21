//! The API server. `api` starts the server, `api healthcheck` checks a running server, `api metrics` prints its
//! metrics, and `api openapi` prints the OpenAPI document.

use std::process::ExitCode;

/// mimalloc is faster than the system's allocator for the many small allocations of a request.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Calls the library and contains no other code, because every edit of the project recompiles this file.
fn main() -> ExitCode {
    let command = std::env::args().nth(1);
    api::run(command.as_deref(), &|name| std::env::var(name).ok())
}
