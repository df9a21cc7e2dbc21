//! `cargo xtask db dump`: the database as a file.

use std::{path::PathBuf, process::ExitCode, time::Instant};

use context::{project::Project, report};

/// Write the database into a file
///
/// The ending says the format: .dump is PostgreSQL's own, compressed; .sql, .sql.gz and .sql.zst are
/// scripts. Everything is in it, also e-mail addresses and password hashes: mind who gets it.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The file; without it, one named after the database, here
    file: Option<PathBuf>,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let (engine, _) = engine::current(project)?;
        let database = project.settings()?.database;
        let file = self.file.unwrap_or_else(|| format!("{database}.dump").into());
        let started = Instant::now();
        let size = dumps::dump(&|name| engine.postgres_program(name), &database, &file)?;
        report::line(&format!(
            "dumped {database} to {} ({}, {:.1} s)",
            file.display(),
            report::size(size),
            started.elapsed().as_secs_f64()
        ));
        Ok(ExitCode::SUCCESS)
    }
}
