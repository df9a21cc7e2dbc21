//! Field types, and their forms in SQL, in Rust and in the schema that PostgreSQL reports.

mod check;
mod default;
mod doc;

use naming::{capital, is_snake_case, type_name, words};

/// The type of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Text { max: u32 },
    TextArray { max: u32 },
    Numeric { digits: u32, scale: u32 },
    Simple(&'static Simple),
    Enum(Vec<Variant>),
    Ref(Target),
    Many(Target),
}

/// A type without parameters.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Simple {
    pub(crate) name: &'static str,
    sql: &'static str,
    rust: &'static str,
    /// An example in Rust.
    example: &'static str,
    /// An example in JSON, or an empty string if it equals the example in Rust.
    json: &'static str,
}

const fn simple(
    name: &'static str,
    sql: &'static str,
    rust: &'static str,
    example: &'static str,
    json: &'static str,
) -> Simple {
    Simple { name, sql, rust, example, json }
}

pub(crate) static SIMPLE: [Simple; 11] = [
    simple("int", "integer", "i32", "1", ""),
    simple("bigint", "bigint", "i64", "1", ""),
    simple("float", "double precision", "f64", "1.5", ""),
    simple("bool", "boolean", "bool", "true", ""),
    simple("uuid", "uuid", "Uuid", "examples::OTHER", "\"01900000-0000-7000-b000-000000000001\""),
    simple("date", "date", "NaiveDate", "examples::time().date_naive()", "\"2026-01-02\""),
    simple("time", "time", "NaiveTime", "examples::time().time()", "\"03:04:05\""),
    simple(
        "timestamptz",
        "timestamptz",
        "DateTime<Utc>",
        "examples::time()",
        "\"2026-01-02T03:04:05Z\"",
    ),
    simple(
        "email",
        "text",
        "EmailAddress",
        "EmailAddress(\"ada@example.com\".to_owned())",
        "\"ada@example.com\"",
    ),
    simple(
        "url",
        "text",
        "Url",
        "Url(\"https://example.com/\".to_owned())",
        "\"https://example.com/\"",
    ),
    simple("jsonb", "jsonb", "JsonObject", "JsonObject::default()", "{ \"key\": \"value\" }"),
];

/// A resource that a field refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) table: String,
    /// The noun for one row: `order line`.
    pub(crate) one: String,
    /// True if the resource refers to itself.
    pub(crate) is_self: bool,
}

/// A value of an enum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Variant {
    pub(crate) value: String,
    /// The name of the variant in Rust.
    pub(crate) name: String,
}

impl Variant {
    pub(crate) fn new(value: &str, others: &[Self]) -> Self {
        let words = value.split(|it: char| !it.is_ascii_alphanumeric());
        let mut name: String = words.map(capital).collect();
        if !name.starts_with(|first: char| first.is_ascii_alphabetic()) {
            name.insert_str(0, "Value");
        }
        if name == "Self" {
            name.push('_');
        }
        let taken = |name: &str| others.iter().any(|other| other.name == name);
        if taken(&name) {
            let base = name.trim_end_matches('_').to_owned();
            name = (2..100)
                .map(|number| format!("{base}{number}"))
                .find(|it| !taken(it))
                .unwrap_or(base);
        }
        Self { value: value.to_owned(), name }
    }

    /// Returns whether `rename_all = "snake_case"` turns the variant's name into the value.
    pub(crate) fn is_plain(&self) -> bool {
        let is_word = |word: &str| word.len() > 1 && word.chars().all(|it| it.is_ascii_lowercase());
        self.value.split('_').all(is_word) && self.name == type_name(&self.value)
    }

    pub(crate) fn doc(&self) -> String {
        if is_snake_case(&self.value) {
            capital(&words(&self.value))
        } else {
            format!("`{}`", self.value)
        }
    }
}

impl Kind {
    /// Returns whether the resource's table has a column for a field of this type.
    pub(crate) fn is_column(&self) -> bool {
        !matches!(self, Self::Many(_))
    }

    /// Returns whether this is the simple type with this name.
    pub(crate) fn is(&self, name: &str) -> bool {
        matches!(self, Self::Simple(simple) if simple.name == name)
    }

    pub(crate) fn is_text(&self) -> bool {
        matches!(self, Self::Text { .. }) || self.is("email") || self.is("url")
    }

    pub(crate) fn sql_type(&self) -> String {
        match self {
            Self::Text { .. } | Self::Enum(_) => "text".to_owned(),
            Self::TextArray { .. } => "text[]".to_owned(),
            Self::Numeric { digits, scale } => format!("numeric({digits}, {scale})"),
            Self::Simple(simple) => simple.sql.to_owned(),
            Self::Ref(_) | Self::Many(_) => "uuid".to_owned(),
        }
    }

    /// Returns the type's name as PostgreSQL reports it.
    pub(crate) fn reported_type(&self) -> String {
        match self {
            kind if kind.is("time") => "time without time zone".to_owned(),
            kind if kind.is("timestamptz") => "timestamp with time zone".to_owned(),
            kind => kind.sql_type().replace(", ", ","),
        }
    }

    /// Returns the type in Rust. `enum_type` is the name of the Rust enum.
    pub(crate) fn rust_type(&self, enum_type: &str) -> String {
        match self {
            Self::Text { max } => format!("Line<{max}>"),
            Self::TextArray { max } => format!("Vec<Line<{max}>>"),
            Self::Numeric { digits, scale } => format!("Decimal<{digits}, {scale}>"),
            Self::Simple(simple) => simple.rust.to_owned(),
            Self::Ref(_) => "Uuid".to_owned(),
            Self::Many(_) => "Vec<Uuid>".to_owned(),
            Self::Enum(_) => enum_type.to_owned(),
        }
    }

    /// Returns the imports that the type and its example need, each as module and name.
    pub(crate) fn imports(&self) -> Vec<(&'static str, &'static str)> {
        let (rust, example) = (self.rust_type("Enum"), self.example("", "Enum"));
        let all = [
            ("chrono", "DateTime"),
            ("chrono", "NaiveDate"),
            ("chrono", "NaiveTime"),
            ("chrono", "Utc"),
            ("poem_openapi", "Enum"),
            ("web", "examples"),
            ("web::columns", "JsonObject"),
            ("web::text", "Decimal"),
            ("web::text", "EmailAddress"),
            ("web::text", "Line"),
            ("web::text", "Url"),
        ];
        let is_used = |name: &str| rust.contains(name) || example.contains(&format!("{name}::"));
        let mut used: Vec<_> = all.into_iter().filter(|(_, name)| is_used(name)).collect();
        used.extend(matches!(self, Self::Enum(_)).then_some(("web", "enum_column")));
        used
    }

    /// Returns the `validator` attribute for limits that the Rust type does not check.
    pub(crate) fn validator(&self) -> Option<&'static str> {
        Some(match self {
            kind if kind.is("int") => {
                "validator(minimum(value = \"-2147483648\"), maximum(value = \"2147483647\"))"
            }
            // JavaScript can represent all integers in this range exactly.
            kind if kind.is("bigint") => {
                "validator(minimum(value = \"-9007199254740991\"), maximum(value = \"9007199254740991\"))"
            }
            Self::TextArray { .. } => "validator(max_items = 100)",
            Self::Many(_) => "validator(max_items = 100, unique_items)",
            _ => return None,
        })
    }

    /// Returns an example in Rust.
    pub(crate) fn example(&self, label: &str, enum_type: &str) -> String {
        match self {
            Self::Text { max } => format!("Line(\"{}\".to_owned())", text(label, *max)),
            Self::TextArray { max } => format!("vec![Line(\"{}\".to_owned())]", text(label, *max)),
            Self::Numeric { digits, scale } => {
                format!("Decimal(\"{}\".to_owned())", decimal(*digits, *scale))
            }
            Self::Ref(target) if target.table == "accounts" => "examples::ACCOUNT".to_owned(),
            Self::Ref(_) => "examples::OTHER".to_owned(),
            Self::Many(_) => "vec![examples::OTHER]".to_owned(),
            Self::Simple(simple) => simple.example.to_owned(),
            Self::Enum(variants) => format!("{enum_type}::{}", variants[0].name),
        }
    }

    /// Returns an example in JSON, or `None` for types that refer to other rows.
    pub(crate) fn json(&self, label: &str) -> Option<String> {
        Some(match self {
            Self::Ref(_) | Self::Many(_) => return None,
            Self::Text { max } => format!("{:?}", text(label, *max)),
            Self::TextArray { max } => format!("[{:?}]", text(label, *max)),
            Self::Numeric { digits, scale } => format!("{:?}", decimal(*digits, *scale)),
            Self::Enum(variants) => format!("{:?}", variants[0].value),
            Self::Simple(Simple { json: "", example, .. }) => (*example).to_owned(),
            Self::Simple(simple) => simple.json.to_owned(),
        })
    }
}

/// Returns a decimal number with `scale` decimal places, such as `1.50`.
fn decimal(digits: u32, scale: u32) -> String {
    let whole = u32::from(digits > scale);
    if scale == 0 {
        whole.to_string()
    } else {
        format!("{whole}.5{}", "0".repeat(scale as usize - 1))
    }
}

/// Returns an example text of at most `max` characters.
fn text(label: &str, max: u32) -> String {
    if label.len() <= max as usize { capital(label) } else { "A".to_owned() }
}
