//! The task runner: `cargo xtask --help`. One file a command; what runs the stack is behind
//! [`engine::Engine`].

mod breaking_changes;
mod commands;
mod compile;
mod doctor;
#[cfg(test)]
mod documented;
mod engine;
mod env_file;
mod fingerprint;
mod generate;
mod git;
mod http;
mod lock;
mod overview;
mod own_project;
mod places;
mod ports;
mod previous_release;
mod process;
mod project;
mod registry;
mod release;
mod report;
mod settings;
mod state;
mod upgrade;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use commands::{
    accounts, base_images, build, ci, client, completions, database, db, deploy,
    doctor as doctor_command, down, exec, init, logs, migrate, new, openapi, psql, push, releases,
    restart, rollback, scale, shell, status, test, up,
};
use project::Project;

/// Runs the whole stack - database, migrations, API - with Docker or without.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    Up(up::Args),
    Down(down::Args),
    Status(status::Args),
    Doctor(doctor_command::Args),
    Logs(logs::Args),
    Restart(restart::Args),
    Build(build::Args),
    Push(push::Args),
    Deploy(deploy::Args),
    Rollback(rollback::Args),
    Releases(releases::Args),
    Scale(scale::Args),
    Exec(exec::Args),
    Psql(psql::Args),
    Shell(shell::Args),
    Db(db::Args),
    RecreateDb(database::RecreateArgs),
    Migrate(migrate::Args),
    Seed(database::SeedArgs),
    Token(accounts::TokenArgs),
    CreateAdmin(accounts::CreateAdminArgs),
    Init(init::Args),
    New(new::Args),
    Openapi(openapi::Args),
    Client(client::Args),
    Test(test::Args),
    Ci(ci::Args),
    BaseImages(base_images::Args),
    Completions(completions::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let Some(command) = cli.command else {
        overview::show();
        return ExitCode::SUCCESS;
    };
    let is_up = matches!(command, Command::Up(_));
    let done = Project::open().and_then(|project| match command {
        Command::Up(args) => args.run(&project),
        Command::Down(args) => args.run(&project),
        Command::Status(args) => args.run(&project),
        Command::Doctor(args) => args.run(&project),
        Command::Logs(args) => args.run(&project),
        Command::Restart(args) => args.run(&project),
        Command::Build(args) => args.run(&project),
        Command::Push(args) => args.run(&project),
        Command::Deploy(args) => args.run(&project),
        Command::Rollback(args) => args.run(&project),
        Command::Releases(args) => args.run(&project),
        Command::Scale(args) => args.run(&project),
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
        Command::Openapi(args) => args.run(&project),
        Command::Client(args) => args.run(&project),
        Command::Test(args) => args.run(&project),
        Command::Ci(args) => args.run(&project),
        Command::BaseImages(args) => args.run(&project),
        Command::Completions(args) => Ok(args.run()),
    });
    done.unwrap_or_else(|error| {
        report::error(&error);
        if is_up {
            report::note(
                "`cargo xtask doctor` looks for the cause, and with --fix mends what it can",
            );
        }
        ExitCode::FAILURE
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
