//! The API server that `cargo xtask up` runs. In debug builds on Linux, `web` and the crates below it come from the shared
//! library `prelinked`, so that an edit links in a fraction of the time.

use std::process::ExitCode;

#[cfg(all(target_os = "linux", debug_assertions))]
use prelinked as _;

fn main() -> ExitCode {
    let command = std::env::args().nth(1);
    api::run(command.as_deref(), &|name| std::env::var(name).ok())
}
