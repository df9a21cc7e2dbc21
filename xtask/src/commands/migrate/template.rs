//! What a new migration's files begin with. As long as there are only comments, it is none yet.

pub(super) const UP: &str = "\
-- What this is for, in a sentence. Then the statements; these lines go. docs/changing-the-schema.md
--   Rows: tables are full. What reads or writes every row holds up everybody who needs the table.
--   Versions: the released version runs on, beside this one. Add now, drop a release later.
--   Indexes: on a table with rows, CREATE INDEX CONCURRENTLY IF NOT EXISTS, alone in a file whose first
--   line is `-- migrate: no transaction`. Each reference has one.
--   Names: constraints and indexes are named, and the names are part of the code.
";

pub(super) const DOWN: &str = "\
-- What undoes it, in one transaction. Without this file `migrate down` stops before it.
";
