//! The development supervisor, which rebuilds the API after each change and replaces the running server without
//! refusing connections. `dev-server cargo build …` starts the supervisor. Other commands query it.

mod build;
mod control;
mod event;
mod inputs;
mod loopback;
mod program;
mod report;
mod request;
mod server;
mod servers;
mod snapshot;
mod source;
mod status;
mod supervisor;
mod watch;

use std::{env, path::PathBuf, process::ExitCode};

use request::Request;
use supervisor::{Options, Supervisor};

const USAGE: &str = "Usage: dev-server cargo build ARGUMENTS…  Build and serve the API, and rebuild after each change
       dev-server wait                    Wait until the newest source is served or has failed, then print the state
       dev-server status                  Print the state
Environment: API_LISTEN, RELOAD_FOLDER (folder for the running programs), ENGINE, and the settings of the API.";

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let folder = env::var_os("RELOAD_FOLDER").map_or_else(|| ".slipway/bin".into(), PathBuf::from);
    let result = match arguments.as_slice() {
        ["wait"] => control::query(&folder, Request::Wait),
        ["status"] => control::query(&folder, Request::Status),
        ["cargo", ..] => {
            let options = Options {
                folder,
                listen: env::var("API_LISTEN").unwrap_or_else(|_| "127.0.0.1:5000".to_owned()),
                in_docker: env::var("ENGINE").is_ok_and(|engine| engine == "docker"),
                build: arguments.iter().map(|&argument| argument.to_owned()).collect(),
            };
            Supervisor::start(options).map(Supervisor::run)
        }
        _ => {
            report::plain(USAGE);
            return ExitCode::from(64);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::bad(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}
