//! What is found fault with: what it would hold up or break, and the safe way.

use squawk_linter::Rule;

/// A rule, by the name that a comment allows it with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Advice {
    pub(crate) rule: &'static str,
    pub(crate) blocks: &'static str,
    pub(crate) safe_way: &'static str,
}

const fn advice(rule: &'static str, blocks: &'static str, safe_way: &'static str) -> Advice {
    Advice { rule, blocks, safe_way }
}

/// What PostgreSQL, or the parser, cannot read.
pub(crate) const SYNTAX: Advice =
    advice("syntax", "it cannot be read", "correct it, or allow what only the linter cannot read");
pub(crate) const REFERENCE: Advice = advice(
    "reference-without-index",
    "deleting or changing a row that is referred to reads the whole table, with that row locked",
    "CREATE INDEX on the column; for a table with rows in a migration before this one, CONCURRENTLY",
);
pub(crate) const NO_TRANSACTION: Advice = advice(
    "no-transaction",
    "a crash between the statement and its entry in the history makes the next run do it again",
    "one statement a file, which may be repeated: CONCURRENTLY IF NOT EXISTS, or IF EXISTS",
);
pub(crate) const IN_TRANSACTION: Advice = advice(
    "concurrently-in-transaction",
    "PostgreSQL refuses it",
    "-- migrate: no transaction as the file's first line, and nothing else in the file",
);
pub(crate) const NEEDLESS: Advice =
    advice("needless-allow", "it allows what is not there", "remove the comment");
pub(crate) const WITHOUT_REASON: Advice =
    advice("allow-without-reason", "nobody will know why", "-- migrate: allow RULE: the reason");

/// squawk's rules about what holds up or breaks a running system; those about taste are left out.
pub(crate) const RULES: [(Rule, Advice); 17] = {
    use Rule as R;
    [
        (
            R::RequireConcurrentIndexCreation,
            advice(
                "index",
                "every write of the table while the index is built",
                "a migration of its own with -- migrate: no transaction and CREATE INDEX CONCURRENTLY IF NOT EXISTS",
            ),
        ),
        (
            R::RequireConcurrentIndexDeletion,
            advice(
                "drop-index",
                "every write and read of the table once the lock is asked for",
                "a migration of its own with -- migrate: no transaction and DROP INDEX CONCURRENTLY IF EXISTS",
            ),
        ),
        (
            R::ConstraintMissingNotValid,
            advice(
                "constraint",
                "every write and read of the table while its rows are checked",
                "ADD CONSTRAINT ... NOT VALID here, and VALIDATE CONSTRAINT in the next migration",
            ),
        ),
        (
            R::AddingForeignKeyConstraint,
            advice(
                "foreign-key",
                "every write of both tables while the rows are checked",
                "ADD CONSTRAINT ... NOT VALID here, and VALIDATE CONSTRAINT in the next migration",
            ),
        ),
        (
            R::DisallowedUniqueConstraint,
            advice(
                "unique-constraint",
                "every write and read of the table while the index is built",
                "CREATE UNIQUE INDEX CONCURRENTLY first, then ADD CONSTRAINT ... UNIQUE USING INDEX",
            ),
        ),
        (
            R::AddingSerialPrimaryKeyField,
            advice(
                "primary-key",
                "every write and read of the table while the index is built",
                "CREATE UNIQUE INDEX CONCURRENTLY first, then ADD CONSTRAINT ... PRIMARY KEY USING INDEX",
            ),
        ),
        (
            R::AddingFieldWithDefault,
            advice(
                "volatile-default",
                "every write and read of the table while all its rows are written anew",
                "ADD COLUMN without it, then SET DEFAULT, then fill the old rows in small steps",
            ),
        ),
        (
            R::AddingRequiredField,
            advice(
                "required-column",
                "it fails on a table with rows, and the released version does not fill the column",
                "a DEFAULT, or nullable until every version that runs fills it",
            ),
        ),
        (
            R::AddingNotNullableField,
            advice(
                "not-null",
                "every write and read of the table while its rows are checked",
                "CHECK (... IS NOT NULL) NOT VALID, VALIDATE CONSTRAINT in the next migration, then SET NOT NULL",
            ),
        ),
        (
            R::ChangingColumnType,
            advice(
                "column-type",
                "every write and read of the table while all its rows are written anew",
                "a new column that both versions fill, and drop the old one a release later",
            ),
        ),
        (
            R::BanDropNotNull,
            advice(
                "drop-not-null",
                "the released version does not expect NULL there",
                "release a version that does first",
            ),
        ),
        (
            R::RenamingColumn,
            advice(
                "rename-column",
                "the released version still reads the old name",
                "a new column that both versions fill, and drop the old one a release later",
            ),
        ),
        (
            R::BanDropColumn,
            advice(
                "drop-column",
                "the released version still reads it",
                "release a version that does not first",
            ),
        ),
        (
            R::RenamingTable,
            advice(
                "rename-table",
                "the released version still reads the old name",
                "a view of the old name beside it, and drop the view a release later",
            ),
        ),
        (
            R::BanDropTable,
            advice(
                "drop-table",
                "the released version still reads it",
                "release a version that does not first",
            ),
        ),
        (
            R::BanTruncateCascade,
            advice(
                "truncate-cascade",
                "it empties every table that refers to this one",
                "name each table that is meant",
            ),
        ),
        (
            R::BanUncommittedTransaction,
            advice(
                "own-transaction",
                "the tool begins and ends the transaction, with the entry in its history",
                "leave BEGIN and COMMIT out",
            ),
        ),
    ]
};

/// Rules about what the released version reads.
pub(crate) fn is_about_readers(rule: Rule) -> bool {
    use Rule::{BanDropColumn, BanDropTable, RenamingColumn, RenamingTable};
    matches!(rule, BanDropColumn | BanDropTable | RenamingColumn | RenamingTable)
}
