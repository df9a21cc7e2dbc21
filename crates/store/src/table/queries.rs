//! The queries of a resource, and the macro that adds the audit entry to a write.

/// The queries of a resource. A resource's own parameters come first (`$1` and up), those of the kit follow.
///
/// All but `delete` return `id`, `version`, `created_at`, `updated_at` and the columns of the resource. Name the columns:
/// `*` fails while a migration adds one. A parameter inside a sub-select, as in `LIMIT (SELECT $2::int)`, lets
/// PostgreSQL keep one plan for all its values; elsewhere it may plan every call.
pub struct Queries {
    /// The name of one of them, for the audit and for errors: `book`.
    pub name: &'static str,
    /// The table. Constraints begin with its name: `books_isbn_key` belongs to the field `isbn`.
    pub table: &'static str,
    /// A page: the rows after an id, by id. Parameters: \[parent\], \[owner\], id, limit.
    pub list: &'static str,
    /// A page of the rows that match filters. Parameters: \[parent\], \[owner\], filters (`NULL` if absent), id, limit.
    pub search: Option<&'static str>,
    /// The rows with the ids `$1`, in any order and of every parent and owner.
    pub find: &'static str,
    /// Inserts the rows of `$1`, a JSON array of objects. Parameters: rows, audit entries.
    pub insert: &'static str,
    /// Sets the columns that `$1`, a JSON object, has. Parameters: fields, id, versions, \[parent\], \[owner\], audit entry.
    pub update: &'static str,
    /// The same for `PUT`, where it differs from `update`.
    pub replace: Option<&'static str>,
    /// Deletes a row and returns its id. Parameters: id, versions, \[parent\], \[owner\], audit entry.
    pub delete: &'static str,
    /// The parent of a nested resource.
    pub parent: Option<Parent>,
    /// Other constraints by their names, the field that each concerns, and what is wrong then.
    pub constraints: &'static [(&'static str, &'static str, &'static str)],
}

/// The parent of a nested resource.
pub struct Parent {
    /// The name of one parent, for errors: `person`.
    pub name: &'static str,
    /// Returns a row if the parent with the id `$1` exists.
    pub exists: &'static str,
}

impl Queries {
    /// Neither filters nor parent. For `..Queries::DEFAULT`.
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
/// changed`: PostgreSQL does both or neither, and no row means no entry. The number is that of the last parameter, which
/// holds the entries as JSON.
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
