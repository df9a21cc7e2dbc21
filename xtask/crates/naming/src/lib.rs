//! Keywords of Rust and PostgreSQL, and functions that convert names.

/// The keywords of edition 2024, including the keywords that are reserved for later editions.
const RUST: &str = "abstract as async await become box break const continue crate do dyn else enum \
    extern false final fn for gen if impl in let loop macro match mod move mut override priv pub \
    ref return Self self static struct super trait true try type typeof unsafe unsized use virtual \
    where while yield";

/// The Rust keywords that cannot be raw identifiers.
const NEVER_RAW: [&str; 4] = ["Self", "crate", "self", "super"];

/// The keywords that `quote_ident` quotes in PostgreSQL 14 to 18.
const POSTGRESQL: &str = "all analyse analyze and any array as asc asymmetric authorization between bigint binary \
    bit boolean both case cast char character check coalesce collate collation column concurrently constraint \
    create cross current_catalog current_date current_role current_schema current_time current_timestamp \
    current_user dec decimal default deferrable desc distinct do else end except exists extract false fetch \
    float for foreign freeze from full grant greatest group grouping having ilike in initially inner inout \
    int integer intersect interval into is isnull join lateral leading least left like limit localtime \
    localtimestamp national natural nchar none normalize not notnull null nullif numeric offset on only or \
    order out outer overlaps overlay placing position precision primary real references returning right row \
    select session_user setof similar smallint some substring symmetric table tablesample then time timestamp \
    to trailing treat trim true union unique user using values varchar variadic verbose when where window \
    with xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot \
    xmlserialize xmltable";

/// The columns that PostgreSQL itself adds to every table.
const SYSTEM_COLUMNS: [&str; 6] = ["cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"];

/// Words that are written in upper case in text.
const ACRONYMS: [&str; 12] =
    ["api", "dns", "html", "iban", "id", "ip", "isbn", "pdf", "sku", "sms", "url", "vat"];

/// The types that a source file may import. A generated type must not have one of these names.
const IMPORTED: &str = "Admin ApiError AppState Created DateTime Decimal Deleted Deserialize EmailAddress Enum Example \
    Fetched Header IdempotencyKey Json JsonObject Line Listed NaiveDate NaiveTime Object OpenApi Option Parent Patch \
    Path Queries Query Reader Resource Result Search Serialize String Tag Tags Updated Url Uuid Vec Writer";

/// The maximum length of a line of SQL, without the indentation of the source file.
pub const WIDTH: usize = 84;

fn is_one_of(words: &str, name: &str) -> bool {
    words.split_whitespace().any(|word| word == name)
}

/// Returns whether `name` is a keyword of Rust.
pub fn is_rust_keyword(name: &str) -> bool {
    is_one_of(RUST, name)
}

/// Returns whether PostgreSQL accepts `name` only in quotes.
pub fn is_sql_keyword(name: &str) -> bool {
    is_one_of(POSTGRESQL, name)
}

/// Returns whether a source file may import a type of this name.
pub fn is_imported(name: &str) -> bool {
    is_one_of(IMPORTED, name)
}

/// Returns whether PostgreSQL reserves `name` for a system column.
pub fn is_system_column(name: &str) -> bool {
    SYSTEM_COLUMNS.contains(&name)
}

/// Returns `name` as a Rust identifier: `r#type`, and `self_` where a raw identifier is not allowed.
pub fn ident(name: &str) -> String {
    match name {
        _ if NEVER_RAW.contains(&name) => format!("{name}_"),
        _ if is_rust_keyword(name) => format!("r#{name}"),
        _ => name.to_owned(),
    }
}

/// Returns `name` as PostgreSQL writes it: in quotes if it is a keyword.
pub fn quoted(name: &str) -> String {
    if is_sql_keyword(name) { format!("\"{name}\"") } else { name.to_owned() }
}

/// Returns `order_line` as `order line`, and `isbn` as `ISBN`.
pub fn words(snake: &str) -> String {
    let word = |word: &str| {
        if ACRONYMS.contains(&word) { word.to_uppercase() } else { word.to_owned() }
    };
    snake.split('_').map(word).collect::<Vec<_>>().join(" ")
}

/// Returns `order_line` as `OrderLine`.
pub fn type_name(snake: &str) -> String {
    snake.split('_').map(capital).collect()
}

/// Returns the text with an upper-case first letter.
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Returns the noun with `a` or `an`.
pub fn with_article(noun: &str) -> String {
    let starts = |beginnings: &[&str]| beginnings.iter().any(|text| noun.starts_with(text));
    let is_acronym = noun.chars().take_while(|it| !it.is_whitespace()).all(char::is_uppercase);
    let is_vowel = match () {
        () if is_acronym => noun.starts_with(|it| "AEFHILMNORSX".contains(it)),
        () if starts(&["hour", "honest", "honor", "honour", "heir"]) => true,
        () if starts(&["eu", "one", "once", "ubiq", "unanim", "use", "usu", "ut", "uk"]) => false,
        () if starts(&["uni"]) => starts(&["unid", "unim", "unin", "unis"]),
        () => noun.starts_with(['a', 'e', 'i', 'o', 'u']),
    };
    format!("{} {noun}", if is_vowel { "an" } else { "a" })
}

/// Returns whether `text` starts with a lower-case letter and consists of lower-case letters, digits and single `_`
/// between words.
pub fn is_snake_case(text: &str) -> bool {
    let is_letter = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit();
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.split('_').all(|word| !word.is_empty() && word.chars().all(is_letter))
}

/// Joins items and breaks lines at [`WIDTH`]. `used` is the number of characters already on the first line.
pub fn wrap(items: &[String], separator: &str, indent: &str, used: usize) -> String {
    let (mut text, mut line) = (String::new(), used);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            text += separator;
            if line + item.len() > WIDTH {
                text.push('\n');
                text += indent;
                line = indent.len();
            } else {
                text.push(' ');
            }
        }
        text += item;
        line += item.len() + 2;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_article_follows_pronunciation() {
        for noun in ["an order", "an hour", "an ISBN", "an unidentified bill", "an SMS", "an index"]
        {
            assert_eq!(with_article(noun.split_once(' ').expect("two words").1), noun);
        }
        for noun in ["a user", "a unit", "a URL", "a European", "a book", "a UUID", "a utility"] {
            assert_eq!(with_article(noun.split_once(' ').expect("two words").1), noun);
        }
    }

    #[test]
    fn keywords_are_quoted_in_sql_and_escaped_in_rust() {
        assert_eq!(["order", "text", "name"].map(quoted), ["\"order\"", "text", "name"]);
        assert_eq!(
            ["type", "self", "crate", "title"].map(ident),
            ["r#type", "self_", "crate_", "title"]
        );
    }
}
