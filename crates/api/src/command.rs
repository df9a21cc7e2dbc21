//! What the program does: serve, ask a running server, or print the document.

use std::process::ExitCode;

use config::Config;

use crate::{healthcheck, routes};

/// The exit codes for wrong arguments and unusable settings, as in sysexits.h.
const EX_USAGE: u8 = 64;
const EX_CONFIG: u8 = 78;

/// Does what `word` says, the program's argument, with the settings that `variable` finds: returns the exit code.
pub fn run(word: Option<&str>, variable: &dyn Fn(&str) -> Option<String>) -> ExitCode {
    match word {
        None => start(variable),
        Some("healthcheck") => finish(healthcheck::run(variable)),
        Some("openapi") => print(&web::spec(routes::service)),
        Some("--version") => print(concat!("api ", env!("CARGO_PKG_VERSION"))),
        Some(_) => {
            complain("usage: api [healthcheck | openapi | --version]");
            EX_USAGE.into()
        }
    }
}

fn start(variable: &dyn Fn(&str) -> Option<String>) -> ExitCode {
    let config = match Config::from_lookup(variable) {
        Ok(config) => config,
        Err(errors) => {
            complain(&format!("error: {errors}"));
            return EX_CONFIG.into();
        }
    };
    let ready = || _ = print("ready");
    finish(web::serve(config, routes::service, variable("RUST_LOG"), ready))
}

fn finish(result: anyhow::Result<()>) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    complain(&format!("error: {error:#}"));
    // The server starts without a database: only a setting can be wrong with it at the start.
    let is_setting = error.is::<db::Error>() || error.is::<web::InvalidSetting>();
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
