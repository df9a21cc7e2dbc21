//! The rules, each with a description of the problem and a fix.

use squawk_linter::Rule;

/// The texts of a rule. `allow` comments contain the name `rule`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Advice {
    pub(crate) rule: &'static str,
    pub(crate) problem: &'static str,
    pub(crate) fix: &'static str,
}

const fn advice(rule: &'static str, problem: &'static str, fix: &'static str) -> Advice {
    Advice { rule, problem, fix }
}

pub(crate) const SYNTAX: Advice = advice(
    "syntax",
    "the SQL cannot be parsed",
    "correct the SQL, or allow the finding if PostgreSQL accepts the SQL",
);
pub(crate) const REFERENCE: Advice = advice(
    "reference-without-index",
    "deleting or changing a referenced row reads the whole table and keeps the row locked",
    "create an index on the column; use CONCURRENTLY in an earlier migration if the table has rows",
);
pub(crate) const NO_TRANSACTION: Advice = advice(
    "no-transaction",
    "without a transaction, the next run repeats the migration after a crash",
    "write one repeatable statement per file, with IF NOT EXISTS or IF EXISTS",
);
pub(crate) const IN_TRANSACTION: Advice = advice(
    "concurrently-in-transaction",
    "PostgreSQL does not allow CONCURRENTLY in a transaction",
    "move the statement to a separate migration whose first line is -- migrate: no transaction",
);
pub(crate) const UNUSED: Advice =
    advice("needless-allow", "the comment does not allow any finding", "remove the comment");
pub(crate) const WITHOUT_REASON: Advice = advice(
    "allow-without-reason",
    "the comment does not state a reason",
    "write -- migrate: allow RULE: REASON",
);

/// The rules of squawk that prevent blocked or broken systems. Style rules are not included.
pub(crate) const RULES: [(Rule, Advice); 17] = {
    use Rule as R;
    [
        (
            R::RequireConcurrentIndexCreation,
            advice(
                "index",
                "blocks every write to the table while the index is built",
                "use CREATE INDEX CONCURRENTLY IF NOT EXISTS in a separate migration with -- migrate: no transaction",
            ),
        ),
        (
            R::RequireConcurrentIndexDeletion,
            advice(
                "drop-index",
                "blocks every read and write of the table while waiting for the lock",
                "use DROP INDEX CONCURRENTLY IF EXISTS in a separate migration with -- migrate: no transaction",
            ),
        ),
        (
            R::ConstraintMissingNotValid,
            advice(
                "constraint",
                "blocks every read and write of the table while the rows are checked",
                "use ADD CONSTRAINT ... NOT VALID here, and VALIDATE CONSTRAINT in the next migration",
            ),
        ),
        (
            R::AddingForeignKeyConstraint,
            advice(
                "foreign-key",
                "blocks every write to both tables while the rows are checked",
                "use ADD CONSTRAINT ... NOT VALID here, and VALIDATE CONSTRAINT in the next migration",
            ),
        ),
        (
            R::DisallowedUniqueConstraint,
            advice(
                "unique-constraint",
                "blocks every read and write of the table while the index is built",
                "use CREATE UNIQUE INDEX CONCURRENTLY first, then ADD CONSTRAINT ... UNIQUE USING INDEX",
            ),
        ),
        (
            R::AddingSerialPrimaryKeyField,
            advice(
                "primary-key",
                "blocks every read and write of the table while the index is built",
                "use CREATE UNIQUE INDEX CONCURRENTLY first, then ADD CONSTRAINT ... PRIMARY KEY USING INDEX",
            ),
        ),
        (
            R::AddingFieldWithDefault,
            advice(
                "volatile-default",
                "blocks every read and write of the table while all rows are rewritten",
                "use ADD COLUMN without the default, then SET DEFAULT, then fill the old rows in small batches",
            ),
        ),
        (
            R::AddingRequiredField,
            advice(
                "required-column",
                "fails if the table has rows, and the released version does not write the column",
                "add a DEFAULT, or keep the column nullable until every running version writes it",
            ),
        ),
        (
            R::AddingNotNullableField,
            advice(
                "not-null",
                "blocks every read and write of the table while the rows are checked",
                "add CHECK (... IS NOT NULL) NOT VALID, VALIDATE CONSTRAINT in the next migration, then SET NOT NULL",
            ),
        ),
        (
            R::ChangingColumnType,
            advice(
                "column-type",
                "blocks every read and write of the table while all rows are rewritten",
                "add a new column that both versions write, and drop the old column one release later",
            ),
        ),
        (
            R::BanDropNotNull,
            advice(
                "drop-not-null",
                "the released version does not expect NULL in this column",
                "first release a version that accepts NULL",
            ),
        ),
        (
            R::RenamingColumn,
            advice(
                "rename-column",
                "the released version still uses the old name",
                "add a new column that both versions write, and drop the old column one release later",
            ),
        ),
        (
            R::BanDropColumn,
            advice(
                "drop-column",
                "the released version still uses the name",
                "first release a version that does not use the name",
            ),
        ),
        (
            R::RenamingTable,
            advice(
                "rename-table",
                "the released version still uses the old name",
                "create a view with the old name, and drop the view one release later",
            ),
        ),
        (
            R::BanDropTable,
            advice(
                "drop-table",
                "the released version still uses the name",
                "first release a version that does not use the name",
            ),
        ),
        (
            R::BanTruncateCascade,
            advice(
                "truncate-cascade",
                "empties every table that refers to this table",
                "list each table explicitly, without CASCADE",
            ),
        ),
        (
            R::BanUncommittedTransaction,
            advice(
                "own-transaction",
                "the migration tool already runs each migration in a transaction",
                "remove BEGIN and COMMIT",
            ),
        ),
    ]
};

/// Returns whether the rule applies only to tables and columns that the released version uses.
pub(crate) fn is_about_readers(rule: Rule) -> bool {
    use Rule::{BanDropColumn, BanDropTable, RenamingColumn, RenamingTable};
    matches!(rule, BanDropColumn | BanDropTable | RenamingColumn | RenamingTable)
}
