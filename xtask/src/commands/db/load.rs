//! `cargo xtask db load`: replaces the database with a dump.

use std::{
    io::Read,
    path::{self, Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use anyhow::Context;
use deploy::ProductionArgs;
use dumps::Dump;

use context::{confirm::confirm_loss, lock, project::Project, report};

/// Replace the database with a dump
///
/// Loads the dump into a new database, applies missing migrations and then replaces the old database, while
/// the API keeps running. If a step fails, nothing is changed. The content of the file determines its format.
/// Load only dumps that you trust, because a dump can run any SQL as superuser.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A dump from `db dump`, `db backup` or pg_dump
    file: PathBuf,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
    /// Do not keep the old database
    #[arg(long)]
    no_snapshot: bool,
    #[command(flatten)]
    stack: ProductionArgs,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let _lock = lock::take(project)?;
        let settings = project.settings()?;
        let (engine, state) = engine::selected(project, &settings, &self.stack)?;
        let dump = Dump::open(&self.file, unpack)?;
        dump.check_version(dumps::major(&|name| engine.postgres_program(name), "pg_restore")?)?;
        let question = format!(
            "This replaces the database {} and all its rows{}.",
            settings.database,
            self.stack.place(&settings)
        );
        confirm_loss(&question, state.production, self.stack.is_selected(), self.yes)?;
        let started = Instant::now();
        let loaded = engine.migrate_output(&["load", "prepare"], false)?;
        let mut finish = vec!["load", "finish"];
        finish.extend(self.no_snapshot.then_some("--no-snapshot"));
        let done = dumps::load(&|name| engine.postgres_program(name), loaded.trim(), &dump)
            .with_context(|| format!("cannot load {}", self.file.display()))
            .and_then(|()| engine.migrate_output(&finish, false));
        let message = match done {
            Ok(message) => message,
            Err(error) => {
                // Errors are ignored, because the next load also drops an unfinished database.
                let _ = engine.migrate_output(&["load", "abandon"], false);
                return Err(error.context("nothing was changed"));
            }
        };
        report::line(&format!("{} ({:.1} s)", message.trim(), started.elapsed().as_secs_f64()));
        if let Some(dev_server) = engine.dev_server() {
            // If the source needs the new schema, the development server can serve it only now, so wait.
            dev_server.wait();
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Decompresses a dump with the program `unpack`, which cargo builds on demand.
fn unpack(file: &Path) -> anyhow::Result<Box<dyn Read + Send>> {
    let mut run = Project::open()?.cargo(&["run", "--quiet", "--locked", "--bin", "unpack", "--"]);
    dumps::output_of("unpack", run.arg(path::absolute(file)?))
}
