//! The task runner; see `cargo xtask --help`. [`commands`] has one file per command.

mod cli;
mod commands;
#[cfg(test)]
mod documented;
mod overview;
mod scaffold;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use context::{project::Project, report};

use cli::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    report::set_detail(cli.detail());
    let Some(command) = cli.command else {
        overview::show();
        return report::exit_code(ExitCode::SUCCESS);
    };
    let is_up = matches!(command, Command::Up(_));
    let result = Project::open().and_then(|project| match command {
        Command::Up(args) => args.run(&project),
        Command::Down(args) => args.run(&project),
        Command::Status(args) => args.run(&project),
        Command::Doctor(args) => args.run(&project),
        Command::Logs(args) => args.run(&project),
        Command::Open(args) => args.run(&project),
        Command::Restart(args) => args.run(&project),
        Command::Build(args) => args.run(&project),
        Command::Push(args) => args.run(&project),
        Command::Deploy(args) => args.run(&project),
        Command::Rollback(args) => args.run(&project),
        Command::Releases(args) => args.run(&project),
        Command::Scale(args) => args.run(&project),
        Command::Secrets(args) => args.run(&project),
        Command::Exec(args) => args.run(&project),
        Command::Psql(args) => args.run(&project),
        Command::Shell(args) => args.run(&project),
        Command::Db(args) => args.run(&project),
        Command::RecreateDb(args) => args.run(&project),
        Command::Migrate(args) => args.run(&project),
        Command::Seed(args) => args.run(&project),
        Command::Token(args) => args.run(&project),
        Command::CreateAdmin(args) => args.run(&project),
        Command::Init(args) => args.run(&project),
        Command::New(args) => args.run(&project),
        Command::Remove(args) => args.run(&project),
        Command::Openapi(args) => args.run(&project),
        Command::Routes(args) => args.run(&project),
        Command::Client(args) => args.run(&project),
        Command::Test(args) => args.run(&project),
        Command::Ci(args) => args.run(&project),
        Command::BaseImages(args) => args.run(&project),
        Command::Completions(args) => Ok(args.run(Cli::command())),
    });
    let code = result.unwrap_or_else(|error| {
        report::error(&error);
        if is_up {
            report::note(
                "run `cargo xtask doctor` to find the cause, or `cargo xtask doctor --fix` to fix it as well",
            );
        }
        ExitCode::FAILURE
    });
    report::exit_code(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clap_accepts_the_command_line_definition() {
        Cli::command().debug_assert();
    }
}
