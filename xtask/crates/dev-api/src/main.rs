//! The API server that `cargo xtask up` runs.
//!
//! Debug builds on Linux link `web` and its dependencies from the shared library `prelinked`, which
//! makes linking after an edit faster.

use std::process::ExitCode;

#[cfg(all(target_os = "linux", debug_assertions))]
use prelinked as _;

fn main() -> ExitCode {
    let command = std::env::args().nth(1);
    api::run(command.as_deref(), &|name| std::env::var(name).ok())
}
