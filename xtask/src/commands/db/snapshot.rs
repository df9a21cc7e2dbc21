//! `cargo xtask db snapshot`: calls the migration tool of the stack.

use std::process::ExitCode;

use clap::Subcommand;

use context::{confirm::confirm_loss, process, project::Project};
use deploy::ProductionArgs;

/// Manage named copies of the database; see docs/snapshots.md
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Save a snapshot of the database; requests wait during the copy
    Save {
        /// The name of the snapshot [default: the next free number]
        name: Option<String>,
        /// Do not ask for confirmation in production
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        stack: ProductionArgs,
    },
    /// Restore a snapshot while the API keeps running; the replaced database becomes a snapshot
    Restore {
        /// The name of the snapshot [default: the newest snapshot]
        name: Option<String>,
        /// Do not apply the migrations that the snapshot lacks
        #[arg(long)]
        as_it_is: bool,
        /// Drop the replaced database instead of keeping it as a snapshot
        #[arg(long)]
        no_snapshot: bool,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        stack: ProductionArgs,
    },
    /// List the snapshots, oldest first
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        stack: ProductionArgs,
    },
    /// Drop snapshots
    Delete {
        /// The names of the snapshots
        #[arg(required = true)]
        names: Vec<String>,
        /// Do not ask for confirmation in production
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        stack: ProductionArgs,
    },
}

impl Command {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let settings = project.settings()?;
        let stack = self.stack();
        let (engine, state) = engine::selected(project, &settings, stack)?;
        let (mut arguments, question) = self.arguments(state.production);
        if let Some((question, yes)) = question {
            let question = format!("{question} ({}{})", settings.database, stack.place(&settings));
            confirm_loss(&question, state.production, stack.is_selected(), yes)?;
            arguments.push("--yes");
        }
        let is_restore = matches!(self, Self::Restore { .. });
        let arguments = [&["snapshot"], arguments.as_slice()].concat();
        let status = engine.migrate(&arguments, false)?.status()?;
        if status.success()
            && is_restore
            && let Some(dev_server) = engine.dev_server()
        {
            // If the source needs the new schema, the development server can serve it only now, so wait.
            dev_server.wait();
        }
        Ok(process::exit_code(status))
    }

    fn stack(&self) -> &ProductionArgs {
        match self {
            Self::Save { stack, .. }
            | Self::Restore { stack, .. }
            | Self::List { stack, .. }
            | Self::Delete { stack, .. } => stack,
        }
    }

    /// Returns the arguments of the migration tool and, if needed, a question and the value of `--yes`.
    fn arguments(&self, production: bool) -> (Vec<&str>, Option<(&'static str, bool)>) {
        match self {
            Self::Save { name, yes, .. } => {
                let question = "Requests wait or get a 503 response while the database is copied.";
                (named("save", name.as_deref()), production.then_some((question, *yes)))
            }
            Self::Restore { name, as_it_is, no_snapshot, yes, .. } => {
                let mut arguments = named("restore", name.as_deref());
                arguments.extend(as_it_is.then_some("--as-it-is"));
                arguments.extend(no_snapshot.then_some("--no-snapshot"));
                let question = if *no_snapshot {
                    "This drops all rows of the current database."
                } else {
                    "This replaces the production database with the snapshot."
                };
                (arguments, (production || *no_snapshot).then_some((question, *yes)))
            }
            Self::List { json, .. } => {
                (["list"].into_iter().chain(json.then_some("--json")).collect(), None)
            }
            Self::Delete { names, yes, .. } => {
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
