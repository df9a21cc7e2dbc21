//! Checks the migration files, alone and against the migrations of a database.

use std::fmt;

use crate::migration::{FOLDER, Migration, parse, parse_down};

/// The kind of a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A number is missing or used twice, or a file has an invalid name.
    Numbers,
    /// The database has a migration that is not among the files.
    Ahead,
    /// A migration was edited or renamed after it was applied.
    Edited,
    /// A migration is not applied, but a later migration is applied.
    Late,
}

/// A problem with a migration file, and how to fix it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The kind of the problem.
    pub kind: Kind,
    /// The problem, with the name of the file.
    pub what: String,
    /// The instruction that fixes the problem.
    pub fix: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.fix)
    }
}

/// Returns the problems of the file names. The numbers must be 1, 2, 3 and so on. Merging two branches that each add
/// a migration can result in a duplicate number.
pub fn numbers(files: &[String]) -> Vec<Problem> {
    let mut named: Vec<_> = files.iter().filter_map(|file| Some((parse(file)?.0, file))).collect();
    named.sort();
    let mut problems: Vec<_> = files.iter().filter_map(|file| foreign(file, files)).collect();
    let mut expected = 1;
    for group in named.chunk_by(|one, other| one.0 == other.0) {
        let twins = group.iter().map(|(_, file)| file.as_str()).collect::<Vec<_>>().join(" and ");
        let number = group[0].0;
        if group.len() > 1 {
            problems.push(misnumbered(
                format!("two migrations have the number {number}: {twins}"),
                &format!("V{number}"),
            ));
        } else if number != expected {
            problems.push(misnumbered(
                format!("the migration before {twins} is missing"),
                twins.trim_end_matches(".sql"),
            ));
        }
        expected = number + 1;
    }
    problems
}

fn foreign(file: &str, files: &[String]) -> Option<Problem> {
    if parse(file).is_some() {
        return None;
    }
    let Some((number, name)) = parse_down(file) else {
        let what = format!(
            "{FOLDER}/{file} is ignored, because its name is not V<number>__<verb>_<noun>.sql"
        );
        return Some(misnumbered(what, "V"));
    };
    let up = format!("V{number}__{name}.sql");
    (!files.contains(&up)).then(|| Problem {
        kind: Kind::Numbers,
        what: format!("{FOLDER}/{file} undoes {up}, which does not exist"),
        fix: "give both files the same number and name, or remove the .down.sql file".to_owned(),
    })
}

fn misnumbered(what: String, file: &str) -> Problem {
    let fix = format!("give the newer file the next free number: git mv {FOLDER}/{file}…");
    Problem { kind: Kind::Numbers, what, fix }
}

/// Returns the differences between the `known` migrations and the migrations that a database has `applied`.
pub fn compare(known: &[Migration], applied: &[Migration]) -> Vec<Problem> {
    let newest = applied.iter().map(|migration| migration.version).max().unwrap_or(0);
    let of = |list: &[Migration], version| list.iter().find(|it| it.version == version).cloned();
    let ahead = applied.iter().filter(|it| of(known, it.version).is_none()).map(|it| Problem {
        kind: Kind::Ahead,
        what: format!("the database has {}, but {} does not exist", it.stem(), it.file()),
        fix:
            "check out the branch with this file, or run cargo xtask recreate-db (drops every row)"
                .to_owned(),
    });
    let others = known.iter().filter_map(|it| match of(applied, it.version) {
        Some(applied) if applied == *it => None,
        Some(_) => Some(Problem {
            kind: Kind::Edited,
            what: format!("{} was edited after it was applied", it.file()),
            fix: format!(
                "run git checkout -- {FOLDER} and add a new migration. If only your database has the migration, run \
                 cargo xtask migrate down --to {} and cargo xtask migrate up instead",
                it.version - 1
            ),
        }),
        None if it.version < newest => Some(Problem {
            kind: Kind::Late,
            what: format!("{} is not applied, but V{newest} is", it.file()),
            fix: format!(
                "give the file the next free number: git mv {} {FOLDER}/V{}__{}.sql",
                it.file(),
                newest.max(known.last().map_or(0, |last| last.version)) + 1,
                it.name
            ),
        }),
        None => None,
    });
    ahead.chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(problems: &[Problem]) -> String {
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn numbers_names_every_wrong_file() {
        let cases = [
            (vec!["V1__a_b.sql", "V1__a_b.down.sql", "V2__c_d.sql"], ""),
            (
                vec!["V1__a_b.sql", "V1__c_d.sql"],
                "two migrations have the number 1: V1__a_b.sql and",
            ),
            (vec!["V1__a_b.sql", "V3__c_d.sql"], "the migration before V3__c_d.sql is missing"),
            (vec!["a_b.sql"], "its name is not V<number>__<verb>_<noun>.sql"),
            (vec!["V1__a_b.sql", "V1__b_a.down.sql"], "V1__b_a.down.sql undoes V1__b_a.sql, which"),
        ];
        for (files, expected) in cases {
            let files: Vec<_> = files.into_iter().map(str::to_owned).collect();
            let found = texts(&numbers(&files));
            assert!(found.contains(expected) && found.is_empty() == expected.is_empty(), "{found}");
        }
    }

    #[test]
    fn compare_names_the_file_of_every_difference() {
        let [one, two, three] =
            [1, 2, 3].map(|version| Migration::new(version, "do_it", "SELECT 1"));
        let edited = Migration::new(1, "do_it", "SELECT 2");
        let known = [one.clone(), two.clone(), three.clone()];
        assert_eq!(compare(&known, std::slice::from_ref(&one)), []);
        let cases = [
            (
                compare(&known, &[one.clone(), three.clone()]),
                "V2__do_it.sql is not applied, but V3 is",
            ),
            (compare(&known, &[edited]), "V1__do_it.sql was edited"),
            (compare(&known[..1], &[one, two]), "the database has V2__do_it"),
        ];
        for (problems, expected) in cases {
            assert_eq!(problems.len(), 1);
            assert!(texts(&problems).contains(expected), "{problems:?}");
        }
    }
}
