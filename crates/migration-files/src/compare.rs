//! What can be wrong with the files, alone and beside a database, and what mends it.

use std::fmt;

use crate::migration::{FOLDER, Migration, parse, parse_down};

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A number that is missing or comes twice, or a file that is none of ours.
    Numbers,
    /// The database has a migration that is not here.
    Ahead,
    /// A migration was edited, or got another name, after it was applied.
    Edited,
    /// A migration was not applied, but a later one was.
    Late,
}

/// What is wrong with which file, and what mends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Which sort of problem.
    pub kind: Kind,
    /// What is wrong, with the file.
    pub what: String,
    /// What to do.
    pub mend: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.mend)
    }
}

/// Whether the files are V1, V2, V3 …: two branches that each add one end up with two of a number.
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
                format!("there is no migration before {twins}"),
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
        let what =
            format!("{FOLDER}/{file} is not named V<number>__<verb>_<noun>.sql: it is not applied");
        return Some(misnumbered(what, "V"));
    };
    let up = format!("V{number}__{name}.sql");
    (!files.contains(&up)).then(|| Problem {
        kind: Kind::Numbers,
        what: format!("{FOLDER}/{file} undoes {up}, which is not there"),
        mend: "give both the same number and name, or remove it".to_owned(),
    })
}

fn misnumbered(what: String, file: &str) -> Problem {
    let mend = format!("give the newer one the next free number: git mv {FOLDER}/{file}…");
    Problem { kind: Kind::Numbers, what, mend }
}

/// What `applied`, as the database has it, says against the migrations that are `known`.
pub fn compare(known: &[Migration], applied: &[Migration]) -> Vec<Problem> {
    let newest = applied.iter().map(|migration| migration.version).max().unwrap_or(0);
    let of = |list: &[Migration], version| list.iter().find(|it| it.version == version).cloned();
    let ahead = applied.iter().filter(|it| of(known, it.version).is_none()).map(|it| Problem {
        kind: Kind::Ahead,
        what: format!("the database has {}, and {} is not here", it.stem(), it.file()),
        mend: "check out the branch that has it, or cargo xtask recreate-db (drops every row)"
            .to_owned(),
    });
    let others = known.iter().filter_map(|it| match of(applied, it.version) {
        Some(applied) if applied == *it => None,
        Some(_) => Some(Problem {
            kind: Kind::Edited,
            what: format!("{} was edited after it was applied", it.file()),
            mend: format!(
                "git checkout -- {FOLDER}, and a new migration; or, where nobody else has it yet, \
                 cargo xtask migrate down --to {} and migrate up",
                it.version - 1
            ),
        }),
        None if it.version < newest => Some(Problem {
            kind: Kind::Late,
            what: format!("{} is not applied, but V{newest} is", it.file()),
            mend: format!(
                "give it the next free number: git mv {} {FOLDER}/V{}__{}.sql",
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
    fn every_file_that_is_out_of_line_is_named() {
        let cases = [
            (vec!["V1__a_b.sql", "V1__a_b.down.sql", "V2__c_d.sql"], ""),
            (
                vec!["V1__a_b.sql", "V1__c_d.sql"],
                "two migrations have the number 1: V1__a_b.sql and",
            ),
            (vec!["V1__a_b.sql", "V3__c_d.sql"], "there is no migration before V3__c_d.sql"),
            (vec!["a_b.sql"], "a_b.sql is not named V<number>__<verb>_<noun>.sql"),
            (vec!["V1__a_b.sql", "V1__b_a.down.sql"], "V1__b_a.down.sql undoes V1__b_a.sql, which"),
        ];
        for (files, expected) in cases {
            let files: Vec<_> = files.into_iter().map(str::to_owned).collect();
            let said = texts(&numbers(&files));
            assert!(said.contains(expected) && said.is_empty() == expected.is_empty(), "{said}");
        }
    }

    #[test]
    fn what_differs_from_the_database_is_named_with_its_file_and_the_mend() {
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
