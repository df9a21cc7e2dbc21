//! The development supervisor: follows the source, and puts each new build of the API in the place of the
//! running one without refusing a connection. `dev-server cargo build …` supervises, the other words ask it.

mod build;
mod control;
mod event;
mod inputs;
mod program;
mod question;
mod report;
mod server;
mod servers;
mod snapshot;
mod source;
mod status;
mod supervisor;
mod watch;

use std::{env, path::PathBuf, process::ExitCode};

use question::Question;
use supervisor::{Options, Supervisor};

const USAGE: &str = "usage: dev-server cargo build ARGUMENTS…  builds, serves, and follows the source
       dev-server wait                    until the newest source is served or has failed; prints the state
       dev-server status                  prints the state
The environment: API_LISTEN, RELOAD_FOLDER (where it keeps what it runs), ENGINE, and the settings of the API.";

fn main() -> ExitCode {
    let words: Vec<_> = env::args().skip(1).collect();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let folder = env::var_os("RELOAD_FOLDER").map_or_else(|| ".slipway/bin".into(), PathBuf::from);
    let done = match words.as_slice() {
        ["wait"] => control::ask(&folder, Question::Wait),
        ["status"] => control::ask(&folder, Question::Status),
        ["cargo", ..] => {
            let options = Options {
                folder,
                listen: env::var("API_LISTEN").unwrap_or_else(|_| "127.0.0.1:5000".to_owned()),
                in_docker: env::var("ENGINE").is_ok_and(|engine| engine == "docker"),
                build: words.iter().map(|&word| word.to_owned()).collect(),
            };
            Supervisor::start(options).map(Supervisor::run)
        }
        _ => {
            report::plain(USAGE);
            return ExitCode::from(64);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::bad(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}
