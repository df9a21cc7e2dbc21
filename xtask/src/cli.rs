//! The command line with all commands.

use clap::{Parser, Subcommand};
use context::report::Detail;

use crate::commands::{
    accounts, base_images, build, ci, client, completions, database, db, deploy, doctor, down,
    exec, init, logs, migrate, new, open, openapi, psql, push, releases, remove, restart, rollback,
    routes, scale, secrets, shell, status, test, up,
};

/// Run the database, the migrations and the API, with or without Docker
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
pub(crate) struct Cli {
    /// Print only results and errors, and no progress
    #[arg(short, long, global = true, conflicts_with = "verbose", display_order = 900)]
    quiet: bool,
    /// Print the command lines of the programs that the command runs
    #[arg(short, long, global = true, display_order = 901)]
    verbose: bool,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

impl Cli {
    /// Returns how much progress the command prints.
    pub(crate) fn detail(&self) -> Detail {
        match (self.quiet, self.verbose) {
            (true, _) => Detail::Quiet,
            (_, true) => Detail::Verbose,
            _ => Detail::Normal,
        }
    }
}

#[derive(Subcommand)]
pub(crate) enum Command {
    Up(up::Args),
    Down(down::Args),
    Status(status::Args),
    Doctor(doctor::Args),
    Logs(logs::Args),
    Open(open::Args),
    Restart(restart::Args),
    Build(build::Args),
    Push(push::Args),
    Deploy(deploy::Args),
    Rollback(rollback::Args),
    Releases(releases::Args),
    Scale(scale::Args),
    Secrets(secrets::Args),
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
    Remove(remove::Args),
    Openapi(openapi::Args),
    Routes(routes::Args),
    Client(client::Args),
    Test(test::Args),
    Ci(ci::Args),
    BaseImages(base_images::Args),
    Completions(completions::Args),
}
