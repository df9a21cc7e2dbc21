//! `cargo xtask db dump`: writes the database to a file.

use std::{path::PathBuf, process::ExitCode, time::Instant};

use serde_json::json;

use context::{project::Project, report};

/// Write the database to a file
///
/// The file extension selects the format: .dump is the compressed format of PostgreSQL, and .sql, .sql.gz and
/// .sql.zst are SQL scripts. The dump contains all data, including email addresses and password hashes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The file to write [default: DATABASE.dump, with the name of the database]
    file: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let (engine, _) = engine::current(project)?;
        let database = engine.database();
        let file = self.file.unwrap_or_else(|| format!("{database}.dump").into());
        let started = Instant::now();
        let size = dumps::dump(&|name| engine.postgres_program(name), database, &file)?;
        if self.json {
            report::json(&json!({ "database": database, "file": file, "bytes": size }))?;
            return Ok(ExitCode::SUCCESS);
        }
        report::line(&format!(
            "dumped {database} to {} ({}, {:.1} s)",
            file.display(),
            report::size(size),
            started.elapsed().as_secs_f64()
        ));
        Ok(ExitCode::SUCCESS)
    }
}
