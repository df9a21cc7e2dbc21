//! `cargo xtask migrate`: applies, reverts, shows, creates and checks migrations.

mod template;

use std::{fs, process::ExitCode};

use anyhow::{Context, bail};
use clap::Subcommand;
use migration_files::FOLDER;
use serde_json::Value;

use context::{
    confirm::confirm_loss, migration_lint, process, project::Project, report, settings::Settings,
};
use deploy::ProductionArgs;
use engine::{DevServer, Engine};

/// The schema after all migrations, for reviews.
const SCHEMA: &str = "crates/db/schema.sql";

/// Apply, revert, show, create and check migrations
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Sub>,
}

#[derive(Subcommand)]
enum Sub {
    /// Create the files that apply and revert a new migration
    New {
        /// The name, a verb and a noun, such as add_person_title
        name: String,
    },
    /// Apply the pending migrations (default)
    Up {
        /// Stop after migration N
        #[arg(long, value_name = "N")]
        to: Option<u32>,
        /// Print the SQL and what it would block, without running it
        #[arg(long)]
        dry_run: bool,
    },
    /// Revert the last migration, or all after N; the old database is kept as a snapshot
    Down {
        /// Revert all migrations after N; 0 reverts all
        #[arg(long, value_name = "N")]
        to: Option<u32>,
        /// Do not keep the old database
        #[arg(long)]
        no_snapshot: bool,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        stack: ProductionArgs,
    },
    /// Show the applied migrations, with their times and versions, and the pending migrations
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        stack: ProductionArgs,
    },
    /// Check the unreleased migrations for changes that block or break a running system
    Check {
        /// Check the migrations since this commit, branch or tag [default: the last tag v*, or the main branch]
        #[arg(long, value_name = "COMMIT")]
        since: Option<String>,
        /// Check all migrations
        #[arg(long, conflicts_with = "since")]
        all: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Write the schema after all migrations to crates/db/schema.sql
    Schema,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        match self.command.unwrap_or(Sub::Up { to: None, dry_run: false }) {
            Sub::New { name } => new(project, &name),
            Sub::Check { since, all, json } => {
                let mut arguments = Vec::new();
                arguments.extend(since.map(|since| format!("--since={since}")));
                arguments.extend(all.then(|| "--all".to_owned()));
                arguments.extend(json.then(|| "--json".to_owned()));
                process::exec(migration_lint::command(project, &arguments))
            }
            Sub::Up { to, dry_run } => {
                let mut arguments = vec!["up".to_owned()];
                arguments.extend(to.map(|to| format!("--to={to}")));
                arguments.extend(dry_run.then(|| "--dry-run".to_owned()));
                let settings = project.settings()?;
                settings.report_overridden();
                run(&*engine::current(project)?.0, &arguments)
            }
            Sub::Down { to, no_snapshot, yes, stack } => {
                let settings = project.settings()?;
                settings.report_overridden();
                let (engine, state) = engine::selected(project, &settings, &stack)?;
                let question = down_question(to, no_snapshot, &settings, &stack);
                confirm_loss(&question, state.production, stack.is_selected(), yes)?;
                let mut arguments = vec!["down".to_owned()];
                arguments.extend(to.map(|to| format!("--to={to}")));
                arguments.extend(no_snapshot.then(|| "--no-snapshot".to_owned()));
                run(&*engine, &arguments)
            }
            Sub::Status { json, stack } => {
                let settings = project.settings()?;
                settings.report_overridden();
                let (engine, _) = engine::selected(project, &settings, &stack)?;
                let json = json.then(|| "--json".to_owned());
                run(&*engine, &["status".to_owned()].into_iter().chain(json).collect::<Vec<_>>())
            }
            Sub::Schema => schema(project),
        }
    }
}

/// Checks the pending migrations of the stack's database, unless the database is empty.
pub(super) fn check_pending(project: &Project, engine: &dyn Engine) -> anyhow::Result<String> {
    let output = engine.migrate_output(&["status", "--json"], true)?;
    let status: Value =
        serde_json::from_str(&output).context("cannot parse the output of `migrate status`")?;
    let version = status["version"].as_i64().unwrap_or(0);
    if version == 0 || status["pending"].as_array().is_none_or(Vec::is_empty) {
        return Ok("no pending migrations for existing data".to_owned());
    }
    migration_lint::check_after(project, version)
}

/// Describes what `migrate down` drops.
fn down_question(
    to: Option<u32>,
    no_snapshot: bool,
    settings: &Settings,
    stack: &ProductionArgs,
) -> String {
    let which = to.map_or_else(
        || "the last migration".to_owned(),
        |number| format!("all migrations after {number}"),
    );
    let copy = if no_snapshot { "No copy is kept" } else { "A copy is kept as a snapshot" };
    format!(
        "This reverts {which} in the database {}{}, and drops everything they added, including rows. {copy}.",
        settings.database,
        stack.place(settings)
    )
}

/// Runs the migration tool with the current migration files.
fn run(engine: &dyn Engine, arguments: &[String]) -> anyhow::Result<ExitCode> {
    wait(engine);
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    process::exec(engine.migrate(&arguments, false)?)
}

/// Waits for the development server, which may be rebuilding the migration tool.
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
        bail!("invalid migration name {name}: use a verb and a noun, like add_person_title");
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
    report::next("cargo xtask migrate check", "check the migration after you have written it");
    report::next("cargo xtask migrate schema", "write crates/db/schema.sql, for the review");
    Ok(ExitCode::SUCCESS)
}
