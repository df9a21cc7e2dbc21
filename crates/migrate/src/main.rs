//! The migration tool. `migrate --help` lists its commands.

mod copies;

use std::{io, process::ExitCode};

use anyhow::Context;
use clap::{Parser, Subcommand, ValueEnum};
use config::{Config, Secret};
use db::accounts;
use migrate::load;

/// The exit code for invalid settings, as in sysexits.h.
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
        /// Stop after this migration
        #[arg(long, value_name = "N", conflicts_with = "seed")]
        to: Option<i32>,
        /// Only print the statements, and what they would hold up
        #[arg(long, conflicts_with = "seed")]
        dry_run: bool,
    },
    /// Undo the last migration, or all after N; what was there is kept as a snapshot
    Down {
        /// Undo all after this one; 0 undoes every one
        #[arg(long, value_name = "N")]
        to: Option<i32>,
        /// Without a snapshot
        #[arg(long)]
        no_snapshot: bool,
    },
    /// Print the schema that all migrations make
    Schema,
    /// Show which migrations are applied, when and by which version of this tool, and which are pending
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
        /// Drop the old one instead of keeping it as a snapshot
        #[arg(long)]
        no_snapshot: bool,
    },
    /// Named copies of the database
    #[command(subcommand)]
    Snapshot(copies::Snapshot),
    /// A copy of the database for each git branch
    #[command(subcommand)]
    Branch(copies::Branch),
    /// Load the sample rows that are not there yet, or synthetic ones
    Seed {
        /// Generate this many persons with their e-mail addresses, always the same ones
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
        rows: Option<u32>,
        /// Tell how far it is
        #[arg(long)]
        progress: bool,
    },
    /// Parts of `cargo xtask db load`
    #[command(hide = true, subcommand)]
    Load(Load),
    /// Make an admin's account
    ///
    /// Its password is in the file that MIGRATE_ADMIN_PASSWORD_FILE names, or comes from stdin, or
    /// is a random one, shown this once. An argument could be seen by everyone on the machine.
    CreateAdmin {
        /// What to log in with
        #[arg(long)]
        email: String,
        /// Read the password from stdin
        #[arg(long)]
        password_stdin: bool,
    },
    /// Print a token of the account for development with this role; refused in production
    Token {
        #[arg(long, default_value = "member")]
        role: Role,
    },
}

#[derive(Subcommand)]
enum Load {
    /// Make the empty database that a dump goes into, and print its name
    Prepare,
    /// Migrate it, and put it in the place of the database
    Finish {
        /// Drop the old one instead of keeping it as a snapshot
        #[arg(long)]
        no_snapshot: bool,
    },
    /// Drop it
    Abandon,
}

#[derive(Clone, Copy, ValueEnum)]
enum Role {
    Admin,
    Member,
}

impl From<Role> for accounts::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Admin => Self::Admin,
            Role::Member => Self::Member,
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
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
        Command::Up { to, dry_run: true, .. } => migrate::dry_run(config, to).await,
        Command::Up { seed, to, .. } => {
            migrate::up(config, seed, to).await.context("cannot migrate")
        }
        Command::Down { to, no_snapshot } => {
            migrate::down(config, to, !no_snapshot).await.context("cannot undo")
        }
        Command::Schema => migrate::schema(config).await,
        Command::Status { json } => migrate::status(config, json).await,
        Command::Recreate { empty, no_snapshot } => migrate::recreate(config, empty, !no_snapshot)
            .await
            .context("cannot recreate the database"),
        Command::Snapshot(command) => command.run(config).await,
        Command::Branch(command) => command.run(config).await,
        Command::Seed { rows: None, .. } => {
            migrate::seed(config).await.context("cannot load the sample rows")
        }
        Command::Seed { rows: Some(rows), progress } => {
            let tell = |loaded| {
                if progress {
                    tell_progress(loaded, rows);
                }
            };
            migrate::seed_rows(config, rows, &tell).await.context("cannot load synthetic rows")
        }
        Command::Load(Load::Prepare) => load::prepare(config).await.context("cannot load"),
        Command::Load(Load::Finish { no_snapshot }) => {
            load::finish(config, !no_snapshot).await.context("cannot load the dump")
        }
        Command::Load(Load::Abandon) => load::abandon(config).await,
        Command::CreateAdmin { email, password_stdin } => {
            let password = admin_password(password_stdin)?;
            migrate::create_admin(config, &email, password).await.context("cannot make the admin")
        }
        Command::Token { role } => {
            migrate::token(config, role.into()).await.context("cannot make a token")
        }
    }
}

/// Returns the given password of a new admin, if there is one.
fn admin_password(from_stdin: bool) -> anyhow::Result<Option<Secret>> {
    let file = std::env::var("MIGRATE_ADMIN_PASSWORD_FILE").ok().filter(|path| !path.is_empty());
    let text = match (from_stdin, file) {
        (true, _) => io::read_to_string(io::stdin()).context("cannot read stdin")?,
        (false, Some(path)) => {
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?
        }
        (false, None) => return Ok(None),
    };
    Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned().into()))
}

#[expect(clippy::print_stdout, reason = "a command's answer to the person who typed it")]
fn print(said: &str) -> ExitCode {
    print!("{said}");
    ExitCode::SUCCESS
}

#[expect(clippy::print_stderr, reason = "a person waits for it")]
fn tell_progress(loaded: u64, of: u32) {
    let end = if loaded < u64::from(of) { "" } else { "\n" };
    eprint!("\r{loaded:>9} of {of} persons{end}");
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
