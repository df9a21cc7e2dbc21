//! Words that a name may not be: those of Rust, of PostgreSQL, and of the code around it.

/// Of edition 2024, those for the future included.
const RUST: &str = "abstract as async await become box break const continue crate do dyn else enum \
    extern false final fn for gen if impl in let loop macro match mod move mut override priv pub \
    ref return self static struct super trait true try type typeof unsafe unsized use virtual \
    where while yield";

/// What neither a table nor a column can be called without quotes, and the columns that every table
/// has.
const POSTGRESQL: &str = "all analyse analyze and any array as asc asymmetric authorization binary \
    both case cast check cmax cmin collate collation column concurrently constraint create cross \
    ctid current_catalog current_date current_role current_schema current_time current_timestamp \
    current_user default deferrable desc distinct do else end except false fetch for foreign \
    freeze from full grant group having ilike in initially inner intersect into is isnull join \
    lateral leading left like limit localtime localtimestamp natural not notnull null offset on \
    only or order outer overlaps placing primary references returning right select session_user \
    similar some symmetric system_user table tableoid tablesample then to trailing true union \
    unique user using variadic verbose when where window with xmax xmin";

/// Types that the code of a resource uses itself.
pub(super) const TYPES: [&str; 34] = [
    "Admin",
    "AnyObject",
    "ApiError",
    "ApiResponse",
    "Connection",
    "Database",
    "DateTime",
    "DeletedResponse",
    "Deserialize",
    "ETag",
    "Enum",
    "Error",
    "Example",
    "FieldError",
    "Filter",
    "Header",
    "Json",
    "Line",
    "MaybeUndefined",
    "NaiveDate",
    "Object",
    "OpenApi",
    "Option",
    "Path",
    "Query",
    "Reader",
    "Result",
    "Row",
    "Serialize",
    "String",
    "Tags",
    "Utc",
    "Vec",
    "Writer",
];

/// Columns that every resource has.
const OURS: [&str; 4] = ["id", "version", "created_at", "updated_at"];

/// # Errors
/// Whose word it is.
pub(crate) fn check(name: &str) -> Result<(), String> {
    let is = |words: &str| words.split_whitespace().any(|word| word == name);
    let owner = match () {
        () if is(RUST) => "Rust",
        () if is(POSTGRESQL) => "PostgreSQL",
        () => return Ok(()),
    };
    Err(format!("`{name}` is a word of {owner}: take another, such as `{}`", other(name)))
}

/// # Errors
/// The column that is there already, or whose word it is.
pub(super) fn check_column(name: &str) -> Result<(), String> {
    if OURS.contains(&name) {
        return Err(format!("every resource has {} of its own", OURS.join(", ")));
    }
    if name == "cursor" {
        return Err("`cursor` is what pages are asked for by: take another name".to_owned());
    }
    check(name)
}

/// A usual way out.
fn other(name: &str) -> String {
    match name {
        "type" => "kind".to_owned(),
        "user" => "member".to_owned(),
        "order" => "position".to_owned(),
        "default" => "is_default".to_owned(),
        "end" => "ends_at".to_owned(),
        _ => format!("the_{name}"),
    }
}
