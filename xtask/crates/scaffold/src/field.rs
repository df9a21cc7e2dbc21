//! A field as it is given on the command line: `name:type`, with `?` if it is optional and `!` if it is unique.

mod parse;

use std::fmt;

use parse::{Written, read_kind};

use crate::{
    kind::{Kind, Target},
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
            Kind::Enum(_) => "there would be at most one row for each of its values",
            kind if kind.is("bool") => "there would be at most one row for each of its values",
            kind if kind.is("jsonb") => "jsonb values are not compared",
            kind if kind.is("float") => "two floats that look equal can differ",
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
