//! The migrations: the numbers of their files, and what the database says of them.

use std::{fs, path::Path};

use migration_files::{FOLDER, Kind, Migration, Problem, files};

use super::{Finding, scene::some_of};
use crate::{engine, lock, project::Project, state::State};

/// Whether the files are V1, V2, V3 …: two branches that each add one end up with two of a number.
pub(super) fn numbers(root: &Path) -> Option<Finding> {
    migration_files::numbers(&files(root)).into_iter().map(finding).next()
}

fn finding(Problem { kind, what, mend }: Problem) -> Finding {
    let id = match kind {
        Kind::Numbers | Kind::Late => "migration-numbers",
        Kind::Ahead => "schema-ahead",
        Kind::Edited => "schema-diverged",
    };
    Finding::wrong(id, what, mend)
}

/// Compares the rows of `refinery_schema_history` with the files.
pub(super) fn compare(root: &Path, rows: &str, production: bool) -> Vec<Finding> {
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
        let is_one = migration_files::has_statement(&text);
        is_one.then(|| Migration::new(version, name, &text))
    };
    let mut known: Vec<_> = files(root).iter().filter_map(file).collect();
    known.sort_by_key(|migration| migration.version);
    let problems = migration_files::compare(&known, &applied).into_iter().map(finding);
    problems.chain(behind(&known, &applied, production)).collect()
}

fn behind(known: &[Migration], applied: &[Migration], production: bool) -> Option<Finding> {
    let is_pending = |known: &&Migration| applied.iter().all(|it| it.version != known.version);
    let names: Vec<_> = known.iter().filter(is_pending).map(Migration::stem).collect();
    if names.is_empty() {
        return None;
    }
    let what = format!("{} is not applied", some_of(&names));
    let finding = Finding::wrong("schema-behind", what, "cargo xtask up");
    if production {
        return Some(finding);
    }
    Some(finding.mended_by(|project| migrate(project, &["up"])))
}

/// Builds the migration tool, which has the migrations in it, and runs it.
pub(super) fn migrate(project: &Project, arguments: &[&str]) -> anyhow::Result<String> {
    let _lock = lock::take(project)?;
    let (mut engine, _): (_, State) = engine::current(project)?;
    engine.build()?;
    let said = engine.ask_migrate(arguments, true)?.trim().replace('\n', ", ");
    Ok(format!("{said}; `cargo xtask up` gives the API its new build"))
}
