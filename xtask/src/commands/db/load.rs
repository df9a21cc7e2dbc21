//! `cargo xtask db load`: a dump takes the place of the database.

use std::{
    io::Read,
    path::{self, Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use anyhow::{Context, bail};
use dumps::Dump;

use context::{confirm::confirm, lock, project::Project, report};

/// Replace the database by a dump
///
/// The format is recognised by what is in the file. It is loaded into a new database, which gets the
/// migrations that it lacks and takes the place of the old one at the end; the running API goes on. If
/// anything fails, nothing has changed. A dump is a program for PostgreSQL's superuser: load only what
/// comes from somebody you trust.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// What `db dump`, `db backup` or pg_dump wrote
    file: PathBuf,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Do not keep the old database
    #[arg(long)]
    no_snapshot: bool,
    /// Also into the database of a stack in the production profile
    #[arg(long)]
    production: bool,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let _lock = lock::take(project)?;
        let (engine, state) = engine::current(project)?;
        if state.production && !self.production {
            bail!("the stack runs in the production profile: if that is meant, add --production");
        }
        let dump = Dump::open(&self.file, unpack)?;
        dump.check_version(dumps::major(&|name| engine.postgres_program(name), "pg_restore")?)?;
        confirm("This replaces the database and every row in it.", self.yes)?;
        let started = Instant::now();
        let loaded = engine.migrate_output(&["load", "prepare"], false)?;
        let mut finish = vec!["load", "finish"];
        finish.extend(self.no_snapshot.then_some("--no-snapshot"));
        let done = dumps::load(&|name| engine.postgres_program(name), loaded.trim(), &dump)
            .with_context(|| format!("cannot load {}", self.file.display()))
            .and_then(|()| engine.migrate_output(&finish, false));
        let said = match done {
            Ok(said) => said,
            Err(error) => {
                // If this fails as well, the next load drops it.
                let _ = engine.migrate_output(&["load", "abandon"], false);
                return Err(error.context("nothing was changed"));
            }
        };
        report::line(&format!("{} ({:.1} s)", said.trim(), started.elapsed().as_secs_f64()));
        if let Some(dev_server) = engine.dev_server() {
            // If the source was not served for the schema's sake, it is now.
            dev_server.wait();
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Decompresses a dump by a program that is built on demand.
fn unpack(file: &Path) -> anyhow::Result<Box<dyn Read + Send>> {
    let mut run = Project::open()?.cargo(&["run", "--quiet", "--locked", "--bin", "unpack", "--"]);
    dumps::output_of("unpack", run.arg(path::absolute(file)?))
}
