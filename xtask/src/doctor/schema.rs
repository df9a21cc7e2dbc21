//! The migrations: the numbers of their files, and what the database says of them.

use std::{
    collections::BTreeMap,
    fs,
    hash::{Hash, Hasher},
    path::Path,
};

use anyhow::bail;
use siphasher::sip::SipHasher13;

use super::{Finding, scene::some_of};
use crate::{engine, lock, project::Project, state::State};

const FOLDER: &str = "crates/db/migrations";

/// A migration by file or by database: its name and its checksum.
type Migration = (String, String);

/// The number and the name in `V1__create_persons.sql`.
fn parse(file: &str) -> Option<(i32, &str)> {
    let (number, name) = file.strip_prefix('V')?.strip_suffix(".sql")?.split_once("__")?;
    Some((number.parse().ok()?, name))
}

fn files(root: &Path) -> Vec<String> {
    let entries = fs::read_dir(root.join(FOLDER)).into_iter().flatten().flatten();
    let mut files: Vec<_> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    files.sort();
    files
}

/// Whether the files are V1, V2, V3 …: two branches that each add one end up with two of a number.
pub(super) fn numbers(root: &Path) -> Option<Finding> {
    let files = files(root);
    let (named, foreign): (Vec<_>, Vec<_>) = files.iter().partition(|file| parse(file).is_some());
    let mut numbers: Vec<_> = named.iter().filter_map(|file| Some(parse(file)?.0)).collect();
    numbers.sort_unstable();
    let what = if let Some(file) = foreign.first() {
        format!("{FOLDER}/{file} is not named V<number>__<verb>_<noun>.sql: it is not applied")
    } else {
        let (_, number) = (1..).zip(&numbers).find(|(expected, number)| expected != *number)?;
        let of_number = named.iter().filter(|file| parse(file).is_some_and(|it| it.0 == *number));
        let files: Vec<_> = of_number.map(|file| (*file).clone()).collect();
        if files.len() > 1 {
            format!("two migrations have the number {number}: {}", files.join(" and "))
        } else {
            format!("there is no migration before {}", files.join(" and "))
        }
    };
    let remedy = format!("give the newer one the next free number: git mv {FOLDER}/V…");
    Some(Finding::wrong("migration-numbers", what, remedy))
}

/// Compares the rows of `refinery_schema_history` with the files.
pub(super) fn compare(root: &Path, rows: &str, production: bool) -> Vec<Finding> {
    let row = |line: &str| {
        let mut fields = line.splitn(3, '|');
        let version: i32 = fields.next()?.parse().ok()?;
        Some((version, (fields.next()?.to_owned(), fields.next()?.to_owned())))
    };
    let applied: BTreeMap<i32, Migration> = rows.lines().filter_map(row).collect();
    let file = |file: &String| {
        let (version, name) = parse(file)?;
        let text = fs::read_to_string(root.join(FOLDER).join(file)).ok()?;
        Some((version, (name.to_owned(), checksum(version, name, &text))))
    };
    let known: BTreeMap<i32, Migration> = files(root).iter().filter_map(file).collect();
    [ahead(&known, &applied), diverged(&known, &applied), behind(&known, &applied, production)]
        .into_iter()
        .flatten()
        .collect()
}

/// As refinery has it.
fn checksum(version: i32, name: &str, text: &str) -> String {
    let mut hash = SipHasher13::new();
    name.hash(&mut hash);
    version.hash(&mut hash);
    text.hash(&mut hash);
    hash.finish().to_string()
}

type Migrations = BTreeMap<i32, Migration>;

fn names(migrations: impl Iterator<Item = (i32, String)>) -> Vec<String> {
    migrations.map(|(version, name)| format!("V{version}__{name}")).collect()
}

fn ahead(known: &Migrations, applied: &Migrations) -> Option<Finding> {
    let unknown = applied.iter().filter(|(version, _)| !known.contains_key(version));
    let names = names(unknown.map(|(version, (name, _))| (*version, name.clone())));
    let what = format!("the database has {}, which this checkout has not", some_of(&names));
    let remedy = "check out the branch that has it, or cargo xtask recreate-db (drops every row)";
    (!names.is_empty()).then(|| Finding::wrong("schema-ahead", what, remedy))
}

fn diverged(known: &Migrations, applied: &Migrations) -> Option<Finding> {
    let changed = known
        .iter()
        .filter(|(version, file)| applied.get(version).is_some_and(|applied| applied != *file));
    let names = names(changed.map(|(version, (name, _))| (*version, name.clone())));
    let what = format!("{} was changed after it was applied", some_of(&names));
    let remedy = format!(
        "git checkout -- {FOLDER}, and a new migration; or cargo xtask recreate-db (drops every row)"
    );
    (!names.is_empty()).then(|| Finding::wrong("schema-diverged", what, remedy))
}

fn behind(known: &Migrations, applied: &Migrations, production: bool) -> Option<Finding> {
    let pending = known.iter().filter(|(version, _)| !applied.contains_key(version));
    let names = names(pending.map(|(version, (name, _))| (*version, name.clone())));
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
    let output = engine.migrate(arguments, true)?.output()?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let said = String::from_utf8_lossy(&output.stdout).trim().replace('\n', ", ");
    Ok(format!("{said}; `cargo xtask up` gives the API its new build"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_read() {
        assert_eq!(parse("V12__add_a_b.sql"), Some((12, "add_a_b")));
        for file in ["README.md", "V1_add.sql", "U1__undo.sql", "V1__a.sql.orig"] {
            assert_eq!(parse(file), None, "{file}");
        }
    }
}
