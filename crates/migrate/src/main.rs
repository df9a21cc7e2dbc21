//! The migration tool. `migrate --help` lists its commands.

mod copies;

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use anyhow::Context;
use clap::{Parser, Subcommand, ValueEnum};
use config::{Config, Secret};
use db::accounts;
use migrate::load;
use tracing_subscriber::filter::LevelFilter;
use uuid::Uuid;

/// The exit code for invalid settings, as in sysexits.h.
const EX_CONFIG: u8 = 78;

/// Manages the database in DATABASE_URL: migrations, snapshots, sample rows and accounts.
#[derive(Parser)]
#[command(version)]
struct Cli {
    /// Print only results and errors, and no warnings
    #[arg(short, long, global = true, conflicts_with = "verbose", display_order = 900)]
    quiet: bool,
    /// Print messages about each step
    #[arg(short, long, global = true, display_order = 901)]
    verbose: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Apply the pending migrations (safe to run several times at once)
    Up {
        /// Load the sample rows if the database had no schema before
        #[arg(long)]
        seed: bool,
        /// Stop after migration N
        #[arg(long, value_name = "N", conflicts_with = "seed")]
        to: Option<i32>,
        /// Print the SQL and its locks, without applying the migrations
        #[arg(long, conflicts_with = "seed")]
        dry_run: bool,
    },
    /// Create the database roles of the API and of the backups (also done by `up`)
    #[command(hide = true)]
    Roles,
    /// Undo the last migration, or all migrations after N, after taking a snapshot
    Down {
        /// Undo all migrations after migration N (0 undoes all)
        #[arg(long, value_name = "N")]
        to: Option<i32>,
        /// Do not take a snapshot
        #[arg(long)]
        no_snapshot: bool,
    },
    /// Print the schema after all migrations as SQL
    Schema,
    /// List the applied and the pending migrations
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Replace the database with a new one that has all migrations and the sample rows
    Recreate {
        /// Do not load the sample rows
        #[arg(long)]
        empty: bool,
        /// Drop the old database instead of keeping it as a snapshot
        #[arg(long)]
        no_snapshot: bool,
    },
    /// Save, restore, list and delete copies of the database
    #[command(subcommand)]
    Snapshot(copies::Snapshot),
    /// Manage a copy of the database for each git branch
    #[command(subcommand)]
    Branch(copies::Branch),
    /// Load the missing sample rows, or generate synthetic rows
    Seed {
        /// Generate ROWS persons with email addresses (always the same persons)
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
        rows: Option<u32>,
        /// Print progress
        #[arg(long)]
        progress: bool,
    },
    /// Run a step of `cargo xtask db load`
    #[command(hide = true, subcommand)]
    Load(Load),
    /// Create an admin account
    ///
    /// Reads the password from stdin with --password-stdin, or from the file in
    /// MIGRATE_ADMIN_PASSWORD_FILE. Otherwise generates a random password and prints it. A password
    /// is not an argument, because other users of the machine can read arguments.
    CreateAdmin {
        /// Email address for the log-in
        #[arg(long)]
        email: String,
        /// Read the password from stdin
        #[arg(long)]
        password_stdin: bool,
    },
    /// Revoke tokens and sessions
    RevokeTokens(RevokeTokens),
    /// Print a token of the development account with ROLE (not in production)
    Token {
        /// Role of the account
        #[arg(long, default_value = "member")]
        role: Role,
    },
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct RevokeTokens {
    /// Id of a token
    id: Option<Uuid>,
    /// Email address of an account
    #[arg(long)]
    email: Option<String>,
    /// Revoke the tokens of all accounts
    #[arg(long)]
    all: bool,
}

#[derive(Subcommand)]
enum Load {
    /// Create an empty database for the dump, and print its name
    Prepare,
    /// Migrate the loaded database, and replace the database with it
    Finish {
        /// Drop the old database instead of keeping it as a snapshot
        #[arg(long)]
        no_snapshot: bool,
    },
    /// Drop the loaded database
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
    let level = match (cli.quiet, cli.verbose) {
        (true, _) => LevelFilter::ERROR,
        (_, true) => LevelFilter::INFO,
        _ => LevelFilter::WARN,
    };
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_ansi(anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never)
        .with_max_level(level)
        .init();
    let config = match Config::from_lookup(&|name| std::env::var(name).ok()) {
        Ok(config) => config,
        Err(errors) => {
            print_error(&errors.into());
            return EX_CONFIG.into();
        }
    };
    match run(cli.command, &config).await {
        Ok(output) => print(&output),
        Err(error) => {
            print_error(&error);
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
        Command::Roles => {
            migrate::create_roles(config).await.context("cannot create the database roles")
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
            let report = |loaded| {
                if progress {
                    print_progress(loaded, rows);
                }
            };
            migrate::seed_rows(config, rows, &report).await.context("cannot load synthetic rows")
        }
        Command::Load(Load::Prepare) => load::prepare(config).await.context("cannot load the dump"),
        Command::Load(Load::Finish { no_snapshot }) => {
            load::finish(config, !no_snapshot).await.context("cannot load the dump")
        }
        Command::Load(Load::Abandon) => load::abandon(config).await,
        Command::CreateAdmin { email, password_stdin } => {
            let password = admin_password(password_stdin)?;
            migrate::create_admin(config, &email, password).await.context("cannot create the admin")
        }
        Command::RevokeTokens(RevokeTokens { id, email, .. }) => {
            migrate::revoke_tokens(config, id, email.as_deref())
                .await
                .context("cannot revoke tokens")
        }
        Command::Token { role } => {
            migrate::token(config, role.into()).await.context("cannot create a token")
        }
    }
}

/// Returns the password for a new admin from stdin or a file, if one is given.
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

/// Prints the result. A closed pipe, such as that of `| head -1`, is not an error.
fn print(output: &str) -> ExitCode {
    let written = io::stdout().write_all(output.as_bytes()).and_then(|()| io::stdout().flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            print_error(&anyhow::Error::new(error).context("cannot write to standard output"));
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

/// Prints progress. Ignores a closed stderr.
fn print_progress(loaded: u64, of: u32) {
    let end = if loaded < u64::from(of) { "" } else { "\n" };
    let _ = write!(io::stderr(), "\r{loaded:>9} of {of} persons{end}");
}

fn print_error(error: &anyhow::Error) {
    let _ = writeln!(io::stderr(), "error: {error:#}");
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn command_line_definition_is_valid() {
        super::Cli::command().debug_assert();
    }
}
