//! Fields, as passed on the command line: `name:type`, with `?` for optional fields and `!` for unique fields.

mod parse;

use std::fmt;

use parse::{TypeText, read_kind};

use naming::{is_snake_case, is_system_column};

use crate::{
    kind::{Kind, Target},
    names::{LONGEST, Names, singular},
};

/// The maximum length of a unique text. Longer values exceed the size limit of an index entry.
const LONGEST_UNIQUE: u32 = 500;
/// The columns that every resource has.
const KIT_COLUMNS: [&str; 4] = ["id", "version", "created_at", "updated_at"];
const TYPES: &str = "text, text(MAX), text[], int, bigint, numeric, numeric(DIGITS,SCALE), float, bool, uuid, date, \
    time, timestamptz, email, url, jsonb, enum(one,other), ref(RESOURCE) and many(RESOURCE)";

/// A field of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    /// The name as passed on the command line.
    pub(crate) name: String,
    /// The name of the column and of the JSON property: `author_id` for a reference `author`.
    pub(crate) column: String,
    pub(crate) kind: Kind,
    pub(crate) optional: bool,
    pub(crate) unique: bool,
    /// The value for rows that are older than the field.
    pub(crate) default: Option<String>,
    /// True if the field was added to an existing resource. Older clients do not send such a field.
    pub(crate) is_added: bool,
    /// The type as passed on the command line, without marks.
    type_text: String,
}

/// A function that finds a resource by its plural.
pub(crate) type FindTarget<'a> = &'a dyn Fn(&str) -> Result<Target, String>;

impl Field {
    /// Parses a field.
    ///
    /// # Errors
    /// The field is invalid. The message states the rule and an example.
    pub(crate) fn read(text: &str, names: &Names, find: FindTarget<'_>) -> Result<Self, String> {
        let (name, rest) = text.split_once(':').ok_or_else(|| {
            format!("expected NAME:TYPE, such as `title:text`. Available types: {TYPES}.")
        })?;
        if !is_snake_case(name) {
            return Err("a field name must consist of lower-case letters and digits, with `_` between words, such as \
                `first_name:text`"
                .to_owned());
        }
        let TypeText { kind, arguments, optional, unique } = TypeText::read(rest)?;
        let type_text = match arguments {
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
            type_text,
        };
        field.check()?;
        Ok(field)
    }

    fn check(&self) -> Result<(), String> {
        let column = &self.column;
        if KIT_COLUMNS.contains(&column.as_str()) {
            let kit = KIT_COLUMNS.join(", ");
            return Err(format!(
                "every resource already has the columns {kit}. Choose another name."
            ));
        }
        if is_system_column(column) {
            return Err(format!(
                "PostgreSQL adds a column `{column}` to every table. Choose another name."
            ));
        }
        if column.len() > LONGEST {
            return Err(format!("the column `{column}` is longer than {LONGEST} characters"));
        }
        if let Kind::Many(_) = self.kind
            && (self.optional || self.unique)
        {
            return Err(
                "many(RESOURCE) is a list, which can be empty. Remove `?` and `!`.".to_owned()
            );
        }
        if matches!(&self.kind, Kind::Ref(target) if target.is_self) && !self.optional {
            return Err(format!(
                "the first row could not refer to another row. Make the field optional: `{}:{}?`",
                self.name, self.type_text
            ));
        }
        if !self.unique {
            return Ok(());
        }
        let reason = match &self.kind {
            Kind::Enum(_) => "there would be at most one row for each of its values",
            kind if kind.is("bool") => "there would be at most one row for each of its values",
            kind if kind.is("jsonb") => "jsonb values cannot be compared here",
            kind if kind.is("float") => "two floats that look equal can differ",
            Kind::TextArray { .. } => "lists cannot be compared here",
            Kind::Ref(target) if target.is_self => "a chain of references would never end",
            Kind::Text { max } if *max > LONGEST_UNIQUE => {
                return Err(format!(
                    "a unique text can have at most {LONGEST_UNIQUE} characters: `{}:text({LONGEST_UNIQUE})!`",
                    self.name
                ));
            }
            _ => return Ok(()),
        };
        Err(format!("a field of this type cannot be unique, because {reason}. Remove `!`."))
    }

    /// Returns the field with its default value, for a resource that already exists.
    ///
    /// # Errors
    /// A required default is missing, or the default is not a valid value of the field's type.
    pub(crate) fn with_default(mut self, default: Option<String>) -> Result<Self, String> {
        let name = &self.name;
        match &default {
            _ if !self.kind.is_column() => {
                return Err("many(RESOURCE) is only supported by `new resource`".to_owned());
            }
            None if !self.optional => {
                return Err(format!(
                    "existing rows need a value. Make the field optional (`{name}:{}?`), or pass --default VALUE.",
                    self.type_text
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

    /// Returns the column without `_id` or `_ids`: `author` for a reference `author_id`.
    pub(crate) fn base(&self) -> &str {
        let end = if matches!(self.kind, Kind::Many(_)) { "_ids" } else { "_id" };
        match self.kind {
            Kind::Ref(_) | Kind::Many(_) => self.column.strip_suffix(end).unwrap_or(&self.column),
            _ => &self.column,
        }
    }
}

/// Formats the field in command-line notation.
impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, self.type_text)?;
        f.write_str(if self.optional { "?" } else { "" })?;
        f.write_str(if self.unique { "!" } else { "" })
    }
}
