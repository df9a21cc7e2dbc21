//! A field as it is given on the command line: `name:type`, with `?` if it is optional and `!` if it is unique.

use std::fmt;

use crate::{
    kind::{Kind, Target, Variant},
    names::{LONGEST, Names, singular},
    words::{is_snake_case, is_system_column},
};

/// A longer text does not fit the index of a unique column.
const LONGEST_UNIQUE: u32 = 500;
/// The columns that every resource has.
const KIT_COLUMNS: [&str; 4] = ["id", "version", "created_at", "updated_at"];
const TYPES: &str = "text, text(MAX), text[], int, bigint, numeric, numeric(DIGITS,SCALE), float, bool, uuid, date, \
    time, timestamptz, email, url, jsonb, enum(one,other), ref(RESOURCE) and many(RESOURCE)";

/// A field of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    /// The name as given.
    pub(crate) name: String,
    /// The name of the column and of the JSON property: `author_id` for a reference `author`.
    pub(crate) column: String,
    pub(crate) kind: Kind,
    pub(crate) optional: bool,
    pub(crate) unique: bool,
    /// The value of rows that are older than the field.
    pub(crate) default: Option<String>,
    /// Whether the resource is older than the field, so that there are clients that do not send it.
    pub(crate) is_added: bool,
    written: String,
}

/// Finds a resource by its plural.
pub(crate) type FindTarget<'a> = &'a dyn Fn(&str) -> Result<Target, String>;

impl Field {
    /// # Errors
    /// The field is not acceptable; the message has the rule and an example.
    pub(crate) fn read(text: &str, names: &Names, find: FindTarget<'_>) -> Result<Self, String> {
        let (name, rest) = text.split_once(':').ok_or_else(|| {
            format!("a field is NAME:TYPE, such as `title:text`; the types are {TYPES}")
        })?;
        if !is_snake_case(name) {
            return Err("a field's name consists of lower-case letters and digits, with `_` between words, such as \
                `first_name:text`"
                .to_owned());
        }
        let Written { kind, arguments, optional, unique } = Written::read(rest)?;
        let written = match arguments {
            Some(arguments) if rest.contains("[]") => format!("{kind}({arguments})[]"),
            Some(arguments) => format!("{kind}({arguments})"),
            None => kind.to_owned(),
        };
        let kind = read_kind(kind, arguments, rest.contains("[]"), names, find)?;
        let column = match kind {
            Kind::Ref(_) => format!("{}_id", name.strip_suffix("_id").unwrap_or(name)),
            Kind::Many(_) => {
                format!("{}_ids", singular(name.strip_suffix("_ids").unwrap_or(name)))
            }
            _ => name.to_owned(),
        };
        let field = Self {
            name: name.to_owned(),
            column,
            kind,
            optional,
            unique,
            default: None,
            is_added: false,
            written,
        };
        field.check()?;
        Ok(field)
    }

    fn check(&self) -> Result<(), String> {
        let column = &self.column;
        if KIT_COLUMNS.contains(&column.as_str()) {
            let kit = KIT_COLUMNS.join(", ");
            return Err(format!("every resource has the columns {kit}; choose another name"));
        }
        if is_system_column(column) {
            return Err(format!(
                "PostgreSQL adds a column `{column}` to every table; choose another name"
            ));
        }
        if column.len() > LONGEST {
            return Err(format!("the column `{column}` is longer than {LONGEST} characters"));
        }
        if let Kind::Many(_) = self.kind
            && (self.optional || self.unique)
        {
            return Err(
                "many(RESOURCE) is a list, which can be empty; leave out `?` and `!`".to_owned()
            );
        }
        if matches!(&self.kind, Kind::Ref(target) if target.is_self) && !self.optional {
            return Err(format!(
                "the first row would have nothing to refer to; make the field optional: `{}:{}?`",
                self.name, self.written
            ));
        }
        if !self.unique {
            return Ok(());
        }
        let reason = match &self.kind {
            Kind::Bool | Kind::Enum(_) => "there would be at most one row for each of its values",
            Kind::Jsonb => "jsonb values are not compared",
            Kind::Float => "two floats that look equal can differ",
            Kind::TextArray { .. } => "lists are not compared",
            Kind::Ref(target) if target.is_self => "a chain of references would have no end",
            Kind::Text { max } if *max > LONGEST_UNIQUE => {
                return Err(format!(
                    "a unique text has at most {LONGEST_UNIQUE} characters, such as `{}:text({LONGEST_UNIQUE})!`",
                    self.name
                ));
            }
            _ => return Ok(()),
        };
        Err(format!("a field of this type cannot be unique, because {reason}; leave out `!`"))
    }

    /// Returns the field with the value that older rows get.
    ///
    /// # Errors
    /// The field needs a default and has none, or the default is not a value of its type.
    pub(crate) fn with_default(mut self, default: Option<String>) -> Result<Self, String> {
        let name = &self.name;
        match &default {
            _ if !self.kind.is_column() => {
                return Err(
                    "many(RESOURCE) needs more queries; only `new resource` writes them".to_owned()
                );
            }
            None if !self.optional => {
                return Err(format!(
                    "existing rows need a value. Make the field optional (`{name}:{}?`), or pass --default VALUE",
                    self.written
                ));
            }
            Some(_) if self.optional || self.unique => {
                return Err("a field with --default can be neither optional nor unique".to_owned());
            }
            Some(value) => {
                self.kind.default(value, "")?;
            }
            None => {}
        }
        self.default = default;
        self.is_added = true;
        Ok(self)
    }

    /// `author`, for a reference whose column is `author_id`.
    pub(crate) fn base(&self) -> &str {
        let end = if matches!(self.kind, Kind::Many(_)) { "_ids" } else { "_id" };
        match self.kind {
            Kind::Ref(_) | Kind::Many(_) => self.column.strip_suffix(end).unwrap_or(&self.column),
            _ => &self.column,
        }
    }
}

/// The field in the form in which the command line accepts it.
impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, self.written)?;
        f.write_str(if self.optional { "?" } else { "" })?;
        f.write_str(if self.unique { "!" } else { "" })
    }
}

/// A type as it is written.
struct Written<'a> {
    kind: &'a str,
    arguments: Option<&'a str>,
    optional: bool,
    unique: bool,
}

impl<'a> Written<'a> {
    /// Reads `text(20)?!`, `text(20):optional:unique` or, without brackets, `enum:one,other`.
    fn read(text: &'a str) -> Result<Self, String> {
        let bare = |part: &'a str| part.trim_end_matches(['?', '!']);
        let mut parts = text.split(':');
        let written = parts.next().unwrap_or_default();
        let first = bare(written);
        let mut marks = written[first.len()..].to_owned();
        let first = first.strip_suffix("[]").unwrap_or(first);
        let (kind, mut arguments) = match first.split_once('(') {
            None => (first, None),
            Some((kind, rest)) => {
                let inside = rest
                    .strip_suffix(')')
                    .ok_or("the type must end in `)`, such as `title:text(80)`")?;
                (kind, Some(inside))
            }
        };
        for part in parts {
            match bare(part) {
                "optional" => marks.push('?'),
                "unique" => marks.push('!'),
                inside if arguments.is_none() && matches!(kind, "enum" | "ref" | "many") => {
                    arguments = Some(inside);
                }
                other => {
                    return Err(format!(
                        "`{other}` is not a property of a field; they are `optional` and `unique`"
                    ));
                }
            }
            marks += &part[bare(part).len()..];
        }
        let (optional, unique) = (marks.contains('?'), marks.contains('!'));
        Ok(Self { kind, arguments, optional, unique })
    }
}

fn read_kind(
    kind: &str,
    arguments: Option<&str>,
    is_array: bool,
    names: &Names,
    find: FindTarget<'_>,
) -> Result<Kind, String> {
    let target = |things: &str| {
        if things == names.things {
            let (table, one) = (names.things.clone(), names.one());
            return Ok(Target { table, one, is_self: true });
        }
        find(things)
    };
    Ok(match (kind, arguments) {
        ("text", None) if is_array => Kind::TextArray { max: 200 },
        ("text", None) => Kind::Text { max: 200 },
        ("text", Some(max)) => match max.trim().parse() {
            Ok(max @ 1..=100_000) if is_array => Kind::TextArray { max },
            Ok(max @ 1..=100_000) => Kind::Text { max },
            _ => {
                return Err(
                    "text(MAX) takes a length of 1 to 100000 characters, such as `text(80)`"
                        .to_owned(),
                );
            }
        },
        _ if is_array => return Err("only text has a list, such as `labels:text[]`".to_owned()),
        ("int", None) => Kind::Int,
        ("bigint", None) => Kind::Bigint,
        ("numeric", None) => Kind::Numeric { digits: 12, scale: 2 },
        ("numeric", Some(arguments)) => numeric(arguments)?,
        ("float", None) => Kind::Float,
        ("bool", None) => Kind::Bool,
        ("uuid", None) => Kind::Uuid,
        ("date", None) => Kind::Date,
        ("time", None) => Kind::Time,
        ("timestamptz", None) => Kind::Timestamptz,
        ("email", None) => Kind::Email,
        ("url", None) => Kind::Url,
        ("jsonb", None) => Kind::Jsonb,
        ("enum", Some(values)) => Kind::Enum(variants(values)?),
        ("ref", Some(things)) => Kind::Ref(target(things)?),
        ("many", Some(things)) => Kind::Many(target(things)?),
        ("enum", None) => {
            return Err(
                "an enum names its values, such as `status:enum(draft,published)`".to_owned()
            );
        }
        ("ref" | "many", None) => {
            return Err(format!(
                "`{kind}` names a resource by its plural, such as `owner:{kind}(persons)`"
            ));
        }
        _ => return Err(format!("there is no type `{kind}` of this form; the types are {TYPES}")),
    })
}

fn numeric(arguments: &str) -> Result<Kind, String> {
    let parsed = arguments.split_once(',').and_then(|(digits, scale)| {
        Some((digits.trim().parse().ok()?, scale.trim().parse().ok()?))
    });
    match parsed {
        Some((digits @ 1..=100, scale)) if scale <= digits => Ok(Kind::Numeric { digits, scale }),
        _ => Err("numeric(DIGITS,SCALE) takes 1 to 100 digits in all and how many of them follow the point, such as \
            `numeric(12,2)`"
            .to_owned()),
    }
}

fn variants(text: &str) -> Result<Vec<Variant>, String> {
    let example = "such as `status:enum(draft,published)`";
    let mut variants: Vec<Variant> = Vec::new();
    for value in text.split(',').map(str::trim) {
        let is_allowed =
            |it: char| !it.is_whitespace() && !it.is_control() && !"():'\"\\?!".contains(it);
        if value.is_empty() || value.chars().count() > 50 || !value.chars().all(is_allowed) {
            return Err(format!(
                "an enum's value has 1 to 50 characters, no spaces, quotes or brackets, {example}"
            ));
        }
        if variants.iter().any(|other| other.value == value) {
            return Err(format!("the value `{value}` is given twice"));
        }
        let variant = Variant::new(value, &variants);
        variants.push(variant);
    }
    if variants.len() < 2 {
        return Err(format!("an enum has at least two values, {example}"));
    }
    Ok(variants)
}
