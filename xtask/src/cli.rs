//! The command line with all commands.

use clap::{Parser, Subcommand};

use crate::commands::{
    accounts, base_images, build, ci, client, completions, database, db, deploy, doctor, down,
    exec, init, logs, migrate, new, openapi, psql, push, releases, remove, restart, rollback,
    scale, shell, status, test, up,
};

/// Run the database, the migrations and the API, with or without Docker
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    Up(up::Args),
    Down(down::Args),
    Status(status::Args),
    Doctor(doctor::Args),
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
    Remove(remove::Args),
    Openapi(openapi::Args),
    Client(client::Args),
    Test(test::Args),
    Ci(ci::Args),
    BaseImages(base_images::Args),
    Completions(completions::Args),
}
