//! `cargo xtask migrate`: the schema's way from one version to another.

mod template;

use std::{fs, process::ExitCode};

use anyhow::{Context, bail};
use clap::Subcommand;
use migration_files::FOLDER;
use serde_json::Value;

use context::{confirm::confirm, migration_lint, process, project::Project, report};
use engine::{DevServer, Engine};

/// What PostgreSQL makes of all migrations, for reviews.
const SCHEMA: &str = "crates/db/schema.sql";

/// Apply migrations, show, write, check and undo them
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Sub>,
}

#[derive(Subcommand)]
enum Sub {
    /// Write the files of a new migration: what it does, and what undoes it
    New {
        /// What it does, e.g. add_person_title
        name: String,
    },
    /// Apply the pending migrations (the default)
    Up {
        /// Stop after this one
        #[arg(long, value_name = "N")]
        to: Option<u32>,
        /// Only print the statements, and what they would hold up
        #[arg(long)]
        dry_run: bool,
    },
    /// Undo the last migration, or all after N; what was there is kept as a snapshot
    Down {
        /// Undo all after this one; 0 undoes every one
        #[arg(long, value_name = "N")]
        to: Option<u32>,
        /// Do not keep what was there
        #[arg(long)]
        no_snapshot: bool,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Show which migrations are applied, when and by which version, and which are pending
    Status {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Look for what would hold up or break a running system, in the migrations that are not released
    Check {
        /// Look at those that this commit, branch or tag has not; the default is the last tag v*, or
        /// else the main branch
        #[arg(long, value_name = "COMMIT")]
        since: Option<String>,
        /// Look at all of them
        #[arg(long, conflicts_with = "since")]
        all: bool,
    },
    /// Write crates/db/schema.sql, the schema that all migrations make
    Schema,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        match self.command.unwrap_or(Sub::Up { to: None, dry_run: false }) {
            Sub::New { name } => new(project, &name),
            Sub::Check { since, all } => {
                let mut arguments = Vec::new();
                arguments.extend(since.map(|since| format!("--since={since}")));
                arguments.extend(all.then(|| "--all".to_owned()));
                process::exec(migration_lint::command(project, &arguments))
            }
            Sub::Up { to, dry_run } => {
                let mut arguments = vec!["up".to_owned()];
                arguments.extend(to.map(|to| format!("--to={to}")));
                arguments.extend(dry_run.then(|| "--dry-run".to_owned()));
                run(project, &arguments)
            }
            Sub::Down { to, no_snapshot, yes } => {
                confirm("What the undone migrations added is dropped, with its rows.", yes)?;
                let mut arguments = vec!["down".to_owned()];
                arguments.extend(to.map(|to| format!("--to={to}")));
                arguments.extend(no_snapshot.then(|| "--no-snapshot".to_owned()));
                run(project, &arguments)
            }
            Sub::Status { json } => {
                let json = json.then(|| "--json".to_owned());
                run(
                    project,
                    &[Some("status".to_owned()), json].into_iter().flatten().collect::<Vec<_>>(),
                )
            }
            Sub::Schema => schema(project),
        }
    }
}

/// Looks at what the stack's database lacks, if that has a schema, before it gets it.
pub(super) fn check_pending(project: &Project, engine: &dyn Engine) -> anyhow::Result<String> {
    let said = engine.migrate_output(&["status", "--json"], true)?;
    let status: Value =
        serde_json::from_str(&said).context("`migrate status` in an unknown form")?;
    let version = status["version"].as_i64().unwrap_or(0);
    if version == 0 || status["pending"].as_array().is_none_or(Vec::is_empty) {
        return Ok("no migration meets rows".to_owned());
    }
    migration_lint::check_after(project, version)
}

/// The migration tool with the files as they are now.
fn run(project: &Project, arguments: &[String]) -> anyhow::Result<ExitCode> {
    let (engine, _) = engine::current(project)?;
    wait(&*engine);
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    process::exec(engine.migrate(&arguments, false)?)
}

/// What follows the source may be building the tool just now.
fn wait(engine: &dyn Engine) {
    engine.dev_server().and_then(DevServer::wait);
}

fn schema(project: &Project) -> anyhow::Result<ExitCode> {
    let (engine, _) = engine::current(project)?;
    wait(&*engine);
    fs::write(project.path(SCHEMA), engine.migrate_output(&["schema"], false)?)
        .with_context(|| format!("cannot write {SCHEMA}"))?;
    report::line(&format!("wrote {SCHEMA}"));
    Ok(ExitCode::SUCCESS)
}

fn new(project: &Project, name: &str) -> anyhow::Result<ExitCode> {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !name.contains('_')
        || !name.starts_with(|c: char| c.is_ascii_lowercase())
        || !name.chars().all(is_word)
    {
        bail!("{name} is no name of a migration: a verb and a noun, e.g. add_person_title");
    }
    let files = migration_files::files(&project.root);
    if let [problem, ..] = &migration_files::numbers(&files)[..] {
        bail!("{problem}");
    }
    let last = files.iter().filter_map(|file| Some(migration_files::parse(file)?.0)).max();
    let stem = format!("{FOLDER}/V{}__{name}", last.unwrap_or(0) + 1);
    for (ending, text) in [("sql", template::UP), ("down.sql", template::DOWN)] {
        let file = format!("{stem}.{ending}");
        fs::write(project.path(&file), text).with_context(|| format!("cannot write {file}"))?;
        report::line(&format!("wrote {file}"));
    }
    report::next("cargo xtask migrate check", "what it would hold up, once it holds statements");
    report::next("cargo xtask migrate schema", "write crates/db/schema.sql, for the review");
    Ok(ExitCode::SUCCESS)
}
