//! Checks the numbers of the migration files and the migration history in the database.

use std::{fs, path::Path};

use context::{lock, project::Project};
use migration_files::{FOLDER, Kind, Migration, Problem, files};

use crate::diagnostic::{Diagnostic, some_of};

/// Finds gaps and duplicates in the numbers of the migrations, for example after merging two branches.
pub(crate) fn numbers(root: &Path) -> Option<Diagnostic> {
    migration_files::numbers(&files(root)).into_iter().map(diagnostic).next()
}

fn diagnostic(Problem { kind, what, fix }: Problem) -> Diagnostic {
    let id = match kind {
        Kind::Numbers | Kind::Late => "migration-numbers",
        Kind::Ahead => "schema-ahead",
        Kind::Edited => "schema-diverged",
    };
    Diagnostic::error(id, what, fix)
}

/// Compares the rows of `refinery_schema_history` with the files.
pub(crate) fn compare(root: &Path, rows: &str, production: bool) -> Vec<Diagnostic> {
    let row = |line: &str| {
        let mut fields = line.splitn(3, '|');
        let version = fields.next()?.parse().ok()?;
        let (name, checksum) = (fields.next()?.to_owned(), fields.next()?.to_owned());
        Some(Migration { version, name, checksum })
    };
    let applied: Vec<_> = rows.lines().filter_map(row).collect();
    let file = |file: &String| {
        let (version, name) = migration_files::parse(file)?;
        let text = fs::read_to_string(root.join(FOLDER).join(file)).ok()?;
        let has_statement = migration_files::has_statement(&text);
        has_statement.then(|| Migration::new(version, name, &text))
    };
    let mut known: Vec<_> = files(root).iter().filter_map(file).collect();
    known.sort_by_key(|migration| migration.version);
    let problems = migration_files::compare(&known, &applied).into_iter().map(diagnostic);
    problems.chain(behind(&known, &applied, production)).collect()
}

fn behind(known: &[Migration], applied: &[Migration], production: bool) -> Option<Diagnostic> {
    let is_pending =
        |known: &&Migration| applied.iter().all(|applied| applied.version != known.version);
    let names: Vec<_> = known.iter().filter(is_pending).map(Migration::stem).collect();
    if names.is_empty() {
        return None;
    }
    let what = format!("migrations that are not applied: {}", some_of(&names));
    let diagnostic = Diagnostic::error("schema-behind", what, "cargo xtask up");
    if production {
        return Some(diagnostic);
    }
    Some(diagnostic.with_fix(|project| migrate(project, &["up"])))
}

/// Builds the migration tool with the current migrations, and runs the tool.
pub(crate) fn migrate(project: &Project, arguments: &[&str]) -> anyhow::Result<String> {
    let _lock = lock::take(project)?;
    let (mut engine, _) = engine::current(project)?;
    engine.build()?;
    let output = engine.migrate_output(arguments, true)?.trim().replace('\n', ", ");
    Ok(format!("{output}; run cargo xtask up to start the new build of the API"))
}
