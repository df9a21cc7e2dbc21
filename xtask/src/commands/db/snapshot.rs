//! `cargo xtask db snapshot`: the migration tool, run where the stack runs.

use std::process::ExitCode;

use clap::Subcommand;

use context::{confirm::confirm, process, project::Project};

/// Named copies of the database: see docs/snapshots.md
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Keep the database as it is now; requests wait meanwhile
    Save {
        /// The next free number if there is none
        name: Option<String>,
        /// Do not ask in production
        #[arg(long)]
        yes: bool,
    },
    /// Bring a snapshot back while the API goes on; what it replaces becomes another one
    Restore {
        /// The newest if there is none
        name: Option<String>,
        /// Without the migrations that it has not
        #[arg(long)]
        as_it_is: bool,
        /// Drop what it replaces
        #[arg(long)]
        no_snapshot: bool,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Show the snapshots, oldest first
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Drop snapshots
    Delete {
        #[arg(required = true)]
        names: Vec<String>,
        /// Do not ask in production
        #[arg(long)]
        yes: bool,
    },
}

impl Command {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let (engine, state) = engine::current(project)?;
        let (mut arguments, question) = self.arguments(state.production);
        if let Some((question, yes)) = question {
            confirm(question, yes)?;
            arguments.push("--yes");
        }
        let is_restore = matches!(self, Self::Restore { .. });
        let arguments = [&["snapshot"], arguments.as_slice()].concat();
        let status = engine.migrate(&arguments, false)?.status()?;
        if status.success()
            && is_restore
            && let Some(dev_server) = engine.dev_server()
        {
            // If the source was not served for the schema's sake, it is now.
            dev_server.wait();
        }
        Ok(process::exit_code(status))
    }

    /// Those of the migration tool, and what is asked before, with the answer that was given already.
    fn arguments(&self, production: bool) -> (Vec<&str>, Option<(&'static str, bool)>) {
        match self {
            Self::Save { name, yes } => {
                let question = "Requests wait, or are answered 503, while the database is copied.";
                (named("save", name.as_deref()), production.then_some((question, *yes)))
            }
            Self::Restore { name, as_it_is, no_snapshot, yes } => {
                let mut arguments = named("restore", name.as_deref());
                arguments.extend(as_it_is.then_some("--as-it-is"));
                arguments.extend(no_snapshot.then_some("--no-snapshot"));
                let question = if *no_snapshot {
                    "This drops every row of the database in use."
                } else {
                    "This puts the rows of the snapshot in the place of all of production."
                };
                (arguments, (production || *no_snapshot).then_some((question, *yes)))
            }
            Self::List { json } => {
                (["list"].into_iter().chain(json.then_some("--json")).collect(), None)
            }
            Self::Delete { names, yes } => {
                let arguments = ["delete"].into_iter().chain(names.iter().map(String::as_str));
                let question = "This deletes snapshots of production.";
                (arguments.collect(), production.then_some((question, *yes)))
            }
        }
    }
}

fn named<'a>(command: &'a str, name: Option<&'a str>) -> Vec<&'a str> {
    [command].into_iter().chain(name).collect()
}
