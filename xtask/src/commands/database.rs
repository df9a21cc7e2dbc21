//! `cargo xtask recreate-db` and `seed`: the migration tool, run where the stack runs.

use std::{io::IsTerminal, process::ExitCode};

use anyhow::bail;

use context::{confirm::confirm, process, project::Project};

/// Drop and recreate the schema, apply all migrations, load the sample rows
///
/// The new database is made beside the old one and takes its place at the end; the running API goes
/// on without a restart. The old one is kept as a snapshot. Refused in the production profile.
#[derive(clap::Args)]
pub(crate) struct RecreateArgs {
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Without the sample rows
    #[arg(long)]
    empty: bool,
    /// Do not keep the old database
    #[arg(long)]
    no_snapshot: bool,
}

impl RecreateArgs {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let (engine, state) = engine::current(project)?;
        if state.production {
            bail!(
                "the stack runs in the production profile, and this would drop every row: refused"
            );
        }
        confirm("This drops every row of the database.", self.yes)?;
        let options = [(self.empty, "--empty"), (self.no_snapshot, "--no-snapshot")];
        let options =
            options.into_iter().filter_map(|(is_asked, option)| is_asked.then_some(option));
        let arguments: Vec<_> = ["recreate"].into_iter().chain(options).collect();
        let status = engine.migrate(&arguments, false)?.status()?;
        if status.success()
            && let Some(dev_server) = engine.dev_server()
        {
            // If the source was not served for the schema's sake, it is now. How that ends, `status` tells.
            dev_server.wait();
        }
        Ok(process::exit_code(status))
    }
}

/// Load the sample rows that are not there yet, or as many synthetic ones as are asked for
#[derive(clap::Args)]
pub(crate) struct SeedArgs {
    /// Invent this many persons with their e-mail addresses: always the same ones, and those that are
    /// there already are left alone
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    rows: Option<u32>,
}

impl SeedArgs {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let Some(rows) = self.rows.map(|rows| rows.to_string()) else {
            return tool(project, &["seed"]);
        };
        let mut arguments = vec!["seed", "--rows", &rows];
        if std::io::stderr().is_terminal() {
            arguments.push("--progress");
        }
        tool(project, &arguments)
    }
}

fn tool(project: &Project, arguments: &[&str]) -> anyhow::Result<ExitCode> {
    let (engine, _) = engine::current(project)?;
    process::exec(engine.migrate(arguments, false)?)
}
