//! The API server. `api` serves, `api healthcheck` asks a running one, `api openapi` prints the document.

mod healthcheck;

use std::process::ExitCode;

use config::Config;

/// The exit codes for wrong arguments and unusable settings, as in sysexits.h.
const EX_USAGE: u8 = 64;
const EX_CONFIG: u8 = 78;

/// The system's had a seventh of a busy server's time: with this one it answers a tenth more.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        None => serve(),
        Some("healthcheck") => finish(healthcheck::run(&variable)),
        Some("openapi") => print(&api::spec()),
        Some("--version") => print(concat!("api ", env!("CARGO_PKG_VERSION"))),
        Some(_) => {
            complain("usage: api [healthcheck | openapi | --version]");
            EX_USAGE.into()
        }
    }
}

fn serve() -> ExitCode {
    let config = match Config::from_lookup(&variable) {
        Ok(config) => config,
        Err(errors) => {
            complain(&format!("error: {errors}"));
            return EX_CONFIG.into();
        }
    };
    let ready = || _ = print("ready");
    finish(api::serve(config, variable("RUST_LOG"), ready))
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn finish(result: anyhow::Result<()>) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    complain(&format!("error: {error:#}"));
    // The server starts without a database: only a setting can be wrong with it at the start.
    let is_setting = error.is::<db::Error>() || error.is::<api::Unusable>();
    if is_setting { EX_CONFIG.into() } else { ExitCode::FAILURE }
}

#[expect(
    clippy::print_stdout,
    reason = "the answer to the person or the process that started this"
)]
fn print(text: &str) -> ExitCode {
    println!("{text}");
    ExitCode::SUCCESS
}

#[expect(clippy::print_stderr, reason = "there is no log yet, or the program ends with this")]
fn complain(text: &str) {
    eprintln!("{text}");
}
