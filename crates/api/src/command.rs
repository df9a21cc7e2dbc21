//! The subcommands of the program `api`.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use config::Config;
use web::telemetry::LogOptions;

use crate::{healthcheck, routes};

/// The exit codes for wrong arguments and unusable settings, as in sysexits.h.
const EX_USAGE: u8 = 64;
const EX_CONFIG: u8 = 78;

/// Runs a subcommand, or starts the server if `subcommand` is `None`, and returns the exit code.
///
/// `variable` looks up a setting by the name of its environment variable.
pub fn run(subcommand: Option<&str>, variable: &dyn Fn(&str) -> Option<String>) -> ExitCode {
    match subcommand {
        None => start(variable),
        Some("healthcheck") => finish(healthcheck::run(variable)),
        Some("metrics") => match healthcheck::metrics(variable) {
            Ok(metrics) => print(metrics.trim_end()),
            Err(error) => finish(Err(error)),
        },
        Some("openapi") => print(&web::spec(routes::service)),
        Some("--version") => print(concat!("api ", env!("CARGO_PKG_VERSION"))),
        Some(_) => {
            print_error("usage: api [healthcheck | metrics | openapi | --version]");
            EX_USAGE.into()
        }
    }
}

fn start(variable: &dyn Fn(&str) -> Option<String>) -> ExitCode {
    let config = match Config::from_lookup(variable) {
        Ok(config) => config,
        Err(errors) => {
            print_error(&format!("error: {errors}"));
            return EX_CONFIG.into();
        }
    };
    let ready = || _ = print("ready");
    let no_color = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
    let log = LogOptions { filter: variable("RUST_LOG"), no_color };
    finish(web::serve(config, routes::service, log, ready))
}

fn finish(result: anyhow::Result<()>) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    print_error(&format!("error: {error:#}"));
    // The server also starts without a reachable database. A database error at the start therefore means that a
    // setting, such as DATABASE_URL, is invalid.
    let is_setting = error.is::<db::Error>() || error.is::<web::InvalidSetting>();
    if is_setting { EX_CONFIG.into() } else { ExitCode::FAILURE }
}

/// Prints the result. A closed pipe, such as that of `| head -1`, is not an error.
fn print(text: &str) -> ExitCode {
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            print_error(&format!("error: cannot write to standard output: {error}"));
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

/// Prints an error. Ignores a closed stderr.
fn print_error(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
