//! The migration tool: applies, tells, recreates and seeds. `migrate --help` lists its commands.

use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use config::Config;

/// The exit code for unusable settings, as in sysexits.h.
const EX_CONFIG: u8 = 78;

/// Applies migrations to the database that DATABASE_URL names.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Apply the pending migrations; any number of these may run at once
    Up {
        /// Load the sample rows if the database had no schema before
        #[arg(long)]
        seed: bool,
    },
    /// Show which migrations are applied and which are pending
    Status {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Replace the database by a new one with all migrations and the sample rows
    Recreate {
        /// Without the sample rows
        #[arg(long)]
        empty: bool,
    },
    /// Load the sample rows that are not there yet
    Seed,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(tracing_subscriber::filter::LevelFilter::WARN)
        .init();
    let config = match Config::from_lookup(&|name| std::env::var(name).ok()) {
        Ok(config) => config,
        Err(errors) => {
            complain(&errors.into());
            return EX_CONFIG.into();
        }
    };
    match run(cli.command, &config).await {
        Ok(said) => print(&said),
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command, config: &Config) -> anyhow::Result<String> {
    match command {
        Command::Up { seed } => migrate::up(config, seed).await.context("cannot migrate"),
        Command::Status { json } => migrate::status(config, json).await,
        Command::Recreate { empty } => {
            migrate::recreate(config, empty).await.context("cannot recreate the database")
        }
        Command::Seed => migrate::seed(config).await.context("cannot load the sample rows"),
    }
}

#[expect(clippy::print_stdout, reason = "a command's answer to the person who typed it")]
fn print(said: &str) -> ExitCode {
    print!("{said}");
    ExitCode::SUCCESS
}

#[expect(clippy::print_stderr, reason = "a command's answer to the person who typed it")]
fn complain(error: &anyhow::Error) {
    eprintln!("error: {error:#}");
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
