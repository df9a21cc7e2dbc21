//! The types of fields: what each is in SQL, in Rust and in the schema that PostgreSQL reports.

use crate::{
    names::{Names, is_plural},
    words::{capital, is_snake_case, quoted, type_name, with_article, words},
};

/// The type of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Text { max: u32 },
    TextArray { max: u32 },
    Int,
    Bigint,
    Numeric { digits: u32, scale: u32 },
    Float,
    Bool,
    Uuid,
    Date,
    Time,
    Timestamptz,
    Email,
    Url,
    Jsonb,
    Enum(Vec<Variant>),
    Ref(Target),
    Many(Target),
}

/// A resource that another one refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) table: String,
    /// The name of one row in a sentence: `order line`.
    pub(crate) one: String,
    /// Whether the resource refers to itself.
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

    /// Returns whether `rename_all = "snake_case"` makes the value from the name.
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

/// A rule about the values of a column.
pub(crate) struct Check {
    /// The end of the constraint's name.
    pub(crate) suffix: &'static str,
    /// The rule as a migration has it.
    pub(crate) rule: String,
    /// The rule as PostgreSQL reports it.
    pub(crate) reported: String,
}

impl Kind {
    /// Returns whether the table of the resource has a column for it.
    pub(crate) fn is_column(&self) -> bool {
        !matches!(self, Self::Many(_))
    }

    pub(crate) fn is_text(&self) -> bool {
        matches!(self, Self::Text { .. } | Self::Email | Self::Url)
    }

    pub(crate) fn sql_type(&self) -> String {
        match self {
            Self::Text { .. } | Self::Enum(_) | Self::Email | Self::Url => "text".to_owned(),
            Self::TextArray { .. } => "text[]".to_owned(),
            Self::Int => "integer".to_owned(),
            Self::Bigint => "bigint".to_owned(),
            Self::Numeric { digits, scale } => format!("numeric({digits}, {scale})"),
            Self::Float => "double precision".to_owned(),
            Self::Bool => "boolean".to_owned(),
            Self::Uuid | Self::Ref(_) | Self::Many(_) => "uuid".to_owned(),
            Self::Date => "date".to_owned(),
            Self::Time => "time".to_owned(),
            Self::Timestamptz => "timestamptz".to_owned(),
            Self::Jsonb => "jsonb".to_owned(),
        }
    }

    /// Returns the type's name as PostgreSQL reports it.
    pub(crate) fn reported_type(&self) -> String {
        match self {
            Self::Time => "time without time zone".to_owned(),
            Self::Timestamptz => "timestamp with time zone".to_owned(),
            kind => kind.sql_type().replace(", ", ","),
        }
    }

    pub(crate) fn check(&self, column: &str) -> Option<Check> {
        let column = quoted(column);
        let length = |min: u32, max: u32| Check {
            suffix: "length",
            rule: format!("CHECK (char_length({column}) BETWEEN {min} AND {max})"),
            reported: format!(
                "CHECK (((char_length({column}) >= {min}) AND (char_length({column}) <= {max})))"
            ),
        };
        Some(match self {
            Self::Text { max } => length(1, *max),
            Self::Email => length(3, 254),
            Self::Url => length(1, 2000),
            Self::TextArray { .. } => Check {
                suffix: "items",
                rule: format!("CHECK (cardinality({column}) <= 100)"),
                reported: format!("CHECK ((cardinality({column}) <= 100))"),
            },
            Self::Jsonb => Check {
                suffix: "object",
                rule: format!("CHECK (jsonb_typeof({column}) = 'object')"),
                reported: format!("CHECK ((jsonb_typeof({column}) = 'object'::text))"),
            },
            Self::Enum(variants) => {
                let list = |end: &str| {
                    let values = variants.iter().map(|it| format!("'{}'{end}", it.value));
                    values.collect::<Vec<_>>().join(", ")
                };
                Check {
                    suffix: "values",
                    rule: format!("CHECK ({column} IN ({}))", list("")),
                    reported: format!("CHECK (({column} = ANY (ARRAY[{}])))", list("::text")),
                }
            }
            _ => return None,
        })
    }

    /// Returns the type in Rust; `enum_type` is the name of the enum.
    pub(crate) fn rust_type(&self, enum_type: &str) -> String {
        match self {
            Self::Text { max } => format!("Line<{max}>"),
            Self::TextArray { max } => format!("Vec<Line<{max}>>"),
            Self::Int => "i32".to_owned(),
            Self::Bigint => "i64".to_owned(),
            Self::Numeric { digits, scale } => format!("Decimal<{digits}, {scale}>"),
            Self::Float => "f64".to_owned(),
            Self::Bool => "bool".to_owned(),
            Self::Uuid | Self::Ref(_) => "Uuid".to_owned(),
            Self::Many(_) => "Vec<Uuid>".to_owned(),
            Self::Date => "NaiveDate".to_owned(),
            Self::Time => "NaiveTime".to_owned(),
            Self::Timestamptz => "DateTime<Utc>".to_owned(),
            Self::Email => "EmailAddress".to_owned(),
            Self::Url => "Url".to_owned(),
            Self::Jsonb => "JsonObject".to_owned(),
            Self::Enum(_) => enum_type.to_owned(),
        }
    }

    /// Returns the rules that the type does not have itself.
    pub(crate) fn validator(&self) -> Option<&'static str> {
        Some(match self {
            Self::Int => {
                "validator(minimum(value = \"-2147483648\"), maximum(value = \"2147483647\"))"
            }
            // JavaScript keeps these exactly.
            Self::Bigint => {
                "validator(minimum(value = \"-9007199254740991\"), maximum(value = \"9007199254740991\"))"
            }
            Self::TextArray { .. } => "validator(max_items = 100)",
            Self::Many(_) => "validator(max_items = 100, unique_items)",
            _ => return None,
        })
    }

    /// Returns an example in Rust.
    pub(crate) fn example(&self, label: &str, enum_type: &str) -> String {
        let text = |max: u32| {
            let text = capital(label);
            if text.len() <= max as usize { text } else { "A".to_owned() }
        };
        match self {
            Self::Text { max } => format!("Line(\"{}\".to_owned())", text(*max)),
            Self::TextArray { max } => format!("vec![Line(\"{}\".to_owned())]", text(*max)),
            Self::Numeric { digits, scale } => {
                format!("Decimal(\"{}\".to_owned())", decimal(*digits, *scale))
            }
            Self::Int | Self::Bigint => "1".to_owned(),
            Self::Float => "1.5".to_owned(),
            Self::Bool => "true".to_owned(),
            Self::Ref(target) if target.table == "accounts" => "examples::ACCOUNT".to_owned(),
            Self::Uuid | Self::Ref(_) => "examples::OTHER".to_owned(),
            Self::Many(_) => "vec![examples::OTHER]".to_owned(),
            Self::Date => "examples::time().date_naive()".to_owned(),
            Self::Time => "examples::time().time()".to_owned(),
            Self::Timestamptz => "examples::time()".to_owned(),
            Self::Email => "EmailAddress(\"ada@example.com\".to_owned())".to_owned(),
            Self::Url => "Url(\"https://example.com/\".to_owned())".to_owned(),
            Self::Jsonb => "JsonObject::default()".to_owned(),
            Self::Enum(variants) => format!("{enum_type}::{}", variants[0].name),
        }
    }

    /// Returns a value of this type in SQL, in Rust and as PostgreSQL reports it.
    ///
    /// # Errors
    /// The text is not a value of this type, or the type has no defaults.
    pub(crate) fn default(&self, value: &str, enum_type: &str) -> Result<[String; 3], String> {
        let wrong = |example: &str| {
            format!("`{value}` is not a default for this type; pass a value such as {example}")
        };
        let number = |is_valid: bool, rust: String, example: &str| {
            let kind = if value.contains('.') { "numeric" } else { "integer" };
            let reported = if value.starts_with('-') {
                format!("'{value}'::{kind}")
            } else {
                value.to_owned()
            };
            if is_valid { Ok([value.to_owned(), rust, reported]) } else { Err(wrong(example)) }
        };
        let text = |rust: String| Ok([format!("'{value}'"), rust, format!("'{value}'::text")]);
        let plain = value.trim_start_matches('-');
        let is_plain = plain.chars().all(|it| it.is_ascii_digit() || it == '.')
            && plain.len() + 1 >= value.len();
        match self {
            Self::Text { max } => {
                let is_line = !value.trim().is_empty()
                    && !value.contains(|it: char| it.is_control() || it == '\'');
                if !is_line || value.chars().count() > *max as usize {
                    return Err(wrong("`none`"));
                }
                text(format!("Line({value:?}.to_owned())"))
            }
            Self::Enum(variants) => match variants.iter().find(|it| it.value == value) {
                Some(variant) => text(format!("{enum_type}::{}", variant.name)),
                None => Err(wrong(&format!("`{}`", variants[0].value))),
            },
            Self::Bool if matches!(value, "true" | "false") => Ok([0; 3].map(|_| value.to_owned())),
            Self::Bool => Err(wrong("`false`")),
            Self::Int => number(
                value.parse::<i32>().is_ok_and(|it| it.to_string() == value),
                value.to_owned(),
                "`0`",
            ),
            Self::Bigint => {
                let is_valid = value
                    .parse::<i64>()
                    .is_ok_and(|it| it.to_string() == value && it.abs() <= 2_147_483_647);
                number(is_valid, value.to_owned(), "`0`")
            }
            Self::Float => {
                let is_valid = is_plain && value.parse::<f64>().is_ok();
                let rust =
                    if value.contains('.') { value.to_owned() } else { format!("{value}.0") };
                number(is_valid, rust, "`1.5`")
            }
            Self::Numeric { digits, scale } => {
                let (whole, part) = plain.split_once('.').unwrap_or((plain, ""));
                let fits = whole.len() <= (digits - scale).max(1) as usize
                    && part.len() <= *scale as usize;
                let is_valid = is_plain && fits && value.parse::<f64>().is_ok();
                number(
                    is_valid,
                    format!("Decimal({value:?}.to_owned())"),
                    &format!("`{}`", decimal(*digits, *scale)),
                )
            }
            _ => Err("this type has no defaults; make the field optional".to_owned()),
        }
    }

    /// Returns what the field is, as a sentence without its end.
    pub(crate) fn doc(&self, name: &str, base: &str, names: &Names) -> String {
        let label = words(base);
        let has = |words: &[&str]| {
            words.iter().any(|word| label.split(' ').any(|it| it.eq_ignore_ascii_case(word)))
        };
        match self {
            Self::Bool => match base.split_once('_') {
                Some(("is", rest)) => format!("True if the {} is {}", names.one(), words(rest)),
                Some((verb @ ("has" | "can"), rest)) => {
                    format!("True if the {} {verb} {}", names.one(), words(rest))
                }
                _ => format!("The {label} flag"),
            },
            Self::Int | Self::Bigint if is_plural(&label) => format!("The number of {label}"),
            Self::Numeric { digits, scale } => format!(
                "The {label}, a decimal number with at most {} digits before the point and {scale} after it",
                digits - scale
            ),
            Self::Date if !label.ends_with("date") && !label.ends_with("day") => {
                format!("The {} date", label.strip_suffix(" on").unwrap_or(&label))
            }
            Self::Timestamptz => match label.strip_suffix(" at").unwrap_or(&label) {
                label if has(&["time"]) => format!("The {label}, in UTC"),
                label => format!("The {label} time, in UTC"),
            },
            Self::Email if has(&["address"]) => format!("The {label}"),
            Self::Email if label.ends_with("email") => format!("The {label} address"),
            Self::Email => format!("The {label}, an email address"),
            Self::Url if !has(&["url"]) => format!("The URL of the {label}"),
            Self::Jsonb => format!("The {label}, an object of any shape"),
            Self::Ref(target) if target.one == label => format!("The id of the {label}"),
            Self::Ref(target) => format!("The id of the {label}, {}", with_article(&target.one)),
            Self::Many(target) if target.one == label => format!("The ids of the {}", words(name)),
            Self::Many(target) => {
                format!("The ids of the {}, each {}", words(name), with_article(&target.one))
            }
            _ => format!("The {label}"),
        }
    }
}

/// `1.50`
fn decimal(digits: u32, scale: u32) -> String {
    let whole = u32::from(digits > scale);
    if scale == 0 {
        whole.to_string()
    } else {
        format!("{whole}.5{}", "0".repeat(scale as usize - 1))
    }
}

impl Kind {
    /// Returns an example in JSON, as Rust, unless it depends on other rows.
    pub(crate) fn json(&self, label: &str) -> Option<String> {
        Some(match self {
            Self::Uuid | Self::Ref(_) | Self::Many(_) => return None,
            Self::Date => "\"2026-01-02\"".to_owned(),
            Self::Time => "\"03:04:05\"".to_owned(),
            Self::Timestamptz => "\"2026-01-02T03:04:05Z\"".to_owned(),
            Self::Jsonb => "{ \"key\": \"value\" }".to_owned(),
            Self::Enum(variants) => format!("{:?}", variants[0].value),
            Self::TextArray { .. } => {
                let text = self.example(label, "");
                text.replace("vec!", "").replace("Line(", "").replace(".to_owned())", "")
            }
            Self::Text { .. } | Self::Email | Self::Url | Self::Numeric { .. } => {
                let text = self.example(label, "");
                text.split('"').nth(1).map(|text| format!("{text:?}"))?
            }
            _ => self.example(label, ""),
        })
    }
}
