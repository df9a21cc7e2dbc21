//! The queries of a resource, and the macro that adds the audit entry to a write.

/// The queries of a resource. Each field lists the parameters of its query (`$1`, `$2` and so on). Parameters in
/// brackets exist only if the resource has a parent or an owner.
///
/// All queries except `delete` return `id`, `version`, `created_at`, `updated_at` and the columns of the resource. List
/// these columns, because `*` fails while a migration adds a column. Write parameters as sub-selects, as in
/// `LIMIT (SELECT $2::int)`. PostgreSQL then uses the same plan for all values, and does not plan each call.
pub struct Queries {
    /// The name of one row for the audit and for errors, such as `book`.
    pub name: &'static str,
    /// The name of the table. Constraint names begin with it: `books_isbn_key` belongs to the field `isbn`.
    pub table: &'static str,
    /// Returns a page of rows whose id is greater than a given id. Parameters: \[parent\], \[owner\], id, limit.
    pub list: &'static str,
    /// Returns a page of rows that match the filters. Parameters: \[parent\], \[owner\], filters (or `NULL`), id,
    /// limit.
    pub search: Option<&'static str>,
    /// Returns the rows with the ids `$1` in any order, for every parent and owner.
    pub find: &'static str,
    /// Inserts the rows in the JSON array `$1`. Parameters: rows, audit entries.
    pub insert: &'static str,
    /// Sets the columns in the JSON object `$1`. Parameters: fields, id, versions, \[parent\], \[owner\], audit entry.
    pub update: &'static str,
    /// The query for PUT, with the same parameters, if it differs from `update`.
    pub replace: Option<&'static str>,
    /// Deletes a row and returns its id. Parameters: id, versions, \[parent\], \[owner\], audit entry.
    pub delete: &'static str,
    /// The parent of a nested resource.
    pub parent: Option<Parent>,
    /// Constraints with other names: the name, the field, and the text of the error.
    pub constraints: &'static [(&'static str, &'static str, &'static str)],
}

/// The parent of a nested resource.
pub struct Parent {
    /// The name of one parent for errors, such as `person`.
    pub name: &'static str,
    /// Returns a row if the parent with the id `$1` exists.
    pub exists: &'static str,
}

impl Queries {
    /// Queries without filters and parent, for the syntax `..Queries::DEFAULT`.
    pub const DEFAULT: Self = Self {
        name: "",
        table: "",
        list: "",
        search: None,
        find: "",
        insert: "",
        update: "",
        replace: None,
        delete: "",
        parent: None,
        constraints: &[],
    };
}

/// Adds the audit entry to a query that writes rows and returns their ids.
///
/// `audited!(2, "INSERT …")` is `WITH changed AS (INSERT …), audit AS (INSERT INTO audit_entries …) SELECT * FROM
/// changed`: PostgreSQL does both or neither, and no row means no entry. The number is that of the last parameter,
/// which holds the entries as JSON.
///
/// A write to several tables gives its own CTEs, one of them named `changed`, and its own last SELECT:
/// `audited!(2, with: "changed AS (…), added AS (…)", select: "SELECT …")`.
#[macro_export]
macro_rules! audited {
    ($audit:literal, $write:literal) => {
        $crate::__audited!($audit, ["changed AS (\n", $write, "\n)"], "SELECT * FROM changed")
    };
    ($audit:literal, with: $ctes:literal, select: $select:literal) => {
        $crate::__audited!($audit, [$ctes], $select)
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __audited {
    ($audit:literal, [$($cte:literal),+], $select:literal) => {
        concat!(
            "WITH ",
            $($cte,)+
            ", audit AS (
    INSERT INTO audit_entries (id, account_id, token_id, action, resource, resource_id, request_id)
    SELECT entry.id, entry.account_id, entry.token_id, entry.action, entry.resource, changed.id, entry.request_id
    FROM changed
    JOIN jsonb_populate_recordset(NULL::audit_entries, $",
            $audit,
            ") AS entry ON entry.resource_id = changed.id
)
",
            $select
        )
    };
}
