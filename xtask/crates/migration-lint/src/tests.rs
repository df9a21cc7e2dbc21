//! Tests each rule, and the comments that allow findings.

use super::*;

fn file(number: usize, text: &str) -> File {
    File { path: format!("V{number}.sql"), text: text.to_owned() }
}

/// Returns the rules that reject `text` as a migration after the release of the table `things`.
fn found(text: &str) -> Vec<&'static str> {
    let released = [file(1, "CREATE TABLE things (id int PRIMARY KEY, name text);")];
    let findings = lint(&released, &[file(2, text)], None);
    findings.into_iter().map(|finding| finding.rule).collect()
}

#[test]
fn unsafe_migrations_are_found() {
    let cases = [
        ("CREATE INDEX things_name_idx ON things (name);", "index"),
        ("DROP INDEX things_name_idx;", "drop-index"),
        (
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON things (name);",
            "concurrently-in-transaction",
        ),
        ("ALTER TABLE things ADD CONSTRAINT c CHECK (id > 0);", "constraint"),
        ("ALTER TABLE things ADD CONSTRAINT c UNIQUE (name);", "unique-constraint"),
        (
            "ALTER TABLE things ADD COLUMN at timestamptz DEFAULT clock_timestamp();",
            "volatile-default",
        ),
        ("ALTER TABLE things ADD COLUMN a int NOT NULL;", "required-column"),
        ("ALTER TABLE things ALTER COLUMN name SET NOT NULL;", "not-null"),
        ("ALTER TABLE things ALTER COLUMN id TYPE bigint;", "column-type"),
        ("ALTER TABLE things ALTER COLUMN name DROP NOT NULL;", "drop-not-null"),
        ("ALTER TABLE things RENAME COLUMN name TO title;", "rename-column"),
        ("ALTER TABLE things DROP COLUMN name;", "drop-column"),
        ("ALTER TABLE things RENAME TO objects;", "rename-table"),
        ("DROP TABLE things;", "drop-table"),
        ("TRUNCATE things CASCADE;", "truncate-cascade"),
        ("ALTER TABLE things ADD;", "syntax"),
        ("CREATE TABLE parts (thing_id int REFERENCES things);", "reference-without-index"),
        (
            "-- migrate: no transaction\nCREATE INDEX CONCURRENTLY i ON things (name);",
            "no-transaction",
        ),
        ("-- migrate: no transaction\nVACUUM things;\nVACUUM things;", "no-transaction"),
    ];
    for (text, rule) in cases {
        assert!(found(text).contains(&rule), "{text}: {:?}", found(text));
    }
    let key = "ALTER TABLE things ADD CONSTRAINT c FOREIGN KEY (id) REFERENCES others;";
    assert!(found(key).contains(&"foreign-key"), "{:?}", found(key));
}

#[test]
fn safe_migrations_are_accepted() {
    let cases = [
        "ALTER TABLE things ADD COLUMN note text, ADD COLUMN version int NOT NULL DEFAULT 1;",
        "-- migrate: no transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS i ON things (name);",
        "-- migrate: no transaction\nDROP INDEX CONCURRENTLY IF EXISTS i;",
        "CREATE TABLE parts (id int PRIMARY KEY, thing_id int REFERENCES things);
            CREATE INDEX parts_thing_id_idx ON parts (thing_id, id);",
        "CREATE TABLE parts (thing_id int UNIQUE REFERENCES things);",
        "CREATE TABLE parts (a int, b int, PRIMARY KEY (b, a), FOREIGN KEY (a, b) REFERENCES others);",
        "CREATE TABLE parts (id int); ALTER TABLE parts ALTER COLUMN id TYPE bigint;",
    ];
    for text in cases {
        assert!(found(text).is_empty(), "{text}: {:?}", found(text));
    }
}

#[test]
fn unreleased_table_may_be_changed_in_a_later_file() {
    let pending = [file(1, "CREATE TABLE a (b int);"), file(2, "CREATE INDEX a_b_idx ON a (b);")];
    assert_eq!(lint(&[], &pending, None), []);
}

#[test]
fn foreign_key_may_have_its_index_in_a_later_file() {
    let pending = [
        file(1, "CREATE TABLE a (id int PRIMARY KEY, b int REFERENCES a);"),
        file(2, "CREATE INDEX a_b_idx ON a (b);"),
    ];
    assert_eq!(lint(&[], &pending, None), []);
}

#[test]
fn comment_with_reason_allows_one_finding_of_one_statement() {
    let drop = "ALTER TABLE things DROP COLUMN name;";
    let allow = "-- migrate: allow drop-column";
    assert!(found(&format!("{allow}: no query reads the column\n{drop}")).is_empty());
    assert_eq!(found(&format!("{allow}\n{drop}")), ["drop-column", "allow-without-reason"]);
    assert_eq!(
        found(&format!("{allow}: a reason\nSELECT 1;\n{drop}")),
        ["drop-column", "needless-allow"]
    );
    assert_eq!(
        found(&format!("-- migrate: allow index: a reason\n{drop}")),
        ["drop-column", "needless-allow"]
    );
}

#[test]
fn column_that_the_released_version_does_not_use_may_be_dropped() {
    let readers = |name: &str| {
        if name == "name" { vec!["things.rs".to_owned()] } else { Vec::new() }
    };
    let lint = |text: &str| lint(&[], &[file(2, text)], Some(&readers));
    assert_eq!(lint("ALTER TABLE things DROP COLUMN note;"), []);
    let findings = lint("ALTER TABLE things\n  DROP COLUMN name;");
    let report = findings.iter().map(ToString::to_string).collect::<String>();
    assert_eq!(
        report,
        "V2.sql:2: drop-column\n  problem: the released version still uses the name: things.rs\n  \
         fix: first release a version that does not use the name"
    );
}
