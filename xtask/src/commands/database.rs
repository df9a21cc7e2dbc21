//! `cargo xtask recreate-db` and `seed`: call the migration tool of the stack.

use std::{io::IsTerminal, process::ExitCode};

use anyhow::bail;

use context::{confirm::confirm, process, project::Project};

/// Recreate the database with all migrations and the sample rows
///
/// Creates a new database, then replaces the old database while the API keeps running. The old database is
/// kept as a snapshot. Fails in the production profile.
#[derive(clap::Args)]
pub(crate) struct RecreateArgs {
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
    /// Do not load the sample rows
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
            bail!("refused, because this command would drop all rows of a production stack");
        }
        confirm("This drops all rows of the database.", self.yes)?;
        let options = [(self.empty, "--empty"), (self.no_snapshot, "--no-snapshot")];
        let options = options.into_iter().filter_map(|(is_set, option)| is_set.then_some(option));
        let arguments: Vec<_> = ["recreate"].into_iter().chain(options).collect();
        let status = engine.migrate(&arguments, false)?.status()?;
        if status.success()
            && let Some(dev_server) = engine.dev_server()
        {
            // If the source needs the new schema, the development server can serve it only now, so wait.
            dev_server.wait();
        }
        Ok(process::exit_code(status))
    }
}

/// Load the missing sample rows, or generate synthetic persons
#[derive(clap::Args)]
pub(crate) struct SeedArgs {
    /// Generate ROWS synthetic persons with email addresses; each run generates the same persons and skips
    /// existing persons
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
