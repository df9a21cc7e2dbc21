//! The initial content of migration files. A file with only comments does not count as a migration yet.

pub(super) const UP: &str = "\
-- Replace these lines with the purpose in one sentence and the SQL. See docs/changing-the-schema.md.
--   Rows: tables can be large. SQL that reads or writes all rows blocks other clients of the table.
--   Versions: the old release keeps running during the update. Add columns now, drop them one release later.
--   Indexes: on a table with rows, use CREATE INDEX CONCURRENTLY IF NOT EXISTS, alone in a file with the first
--   line `-- migrate: no transaction`. Each foreign key needs an index.
--   Names: name all constraints and indexes, because the code uses the names.
";

pub(super) const DOWN: &str = "\
-- Replace this line with the SQL that reverts the migration, in one transaction.
-- Without this file, `migrate down` cannot revert the migration.
";
