//! What a resource is made of: `name:type`, with what is optional or unique.

use super::{
    checkout::{Checkout, Parent},
    names::{self, Names},
    reserved,
};

/// What others derive from the names of table and column fits into this.
const LONGEST_IDENTIFIER: usize = 63;
/// A longer text does not fit into a page of an index.
const LONGEST_UNIQUE: u32 = 500;
const TYPES: &str = "text, text(MAX), int, bigint, numeric, numeric(DIGITS,SCALE), bool, uuid, \
    date, timestamptz, jsonb, enum(one,other), ref(RESOURCE)";

/// A field, and the column that it is kept in.
pub(super) struct Field {
    /// The column: for a reference with `_id` at its end.
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) optional: bool,
    pub(super) unique: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Text { max: u32 },
    Int,
    Bigint,
    Numeric { digits: u32, scale: u32 },
    Bool,
    Uuid,
    Date,
    Timestamptz,
    Jsonb,
    Enum(Vec<String>),
    Ref(Parent),
}

impl Field {
    /// # Errors
    /// What is wrong with it, and the rule.
    pub(super) fn read(
        text: &str,
        names: Option<&Names>,
        checkout: &Checkout,
    ) -> Result<Self, String> {
        let (name, rest) = text
            .split_once(':')
            .ok_or_else(|| format!("a field is name:type, with a type of {TYPES}"))?;
        if !names::is_snake_case(name) {
            return Err(
                "a field's name is words of small letters and digits, joined by `_`, each \
                beginning with a letter"
                    .to_owned(),
            );
        }
        let Spelled { kind, arguments, optional, unique } = Spelled::read(rest)?;
        let kind = Kind::read(kind, arguments, names, checkout)?;
        let name = match kind {
            Kind::Ref(_) => format!("{}_id", name.trim_end_matches("_id")),
            _ => name.to_owned(),
        };
        let field = Self { name, kind, optional, unique };
        field.check(names)?;
        Ok(field)
    }

    fn check(&self, names: Option<&Names>) -> Result<(), String> {
        reserved::check_column(&self.name)?;
        let longest =
            LONGEST_IDENTIFIER - "__id_idx".len() - names.map_or(0, |names| names.things().len());
        if self.name.len() > longest {
            return Err(format!(
                "at most {longest} characters, so that the names of its constraints fit into the \
                 {LONGEST_IDENTIFIER} of PostgreSQL"
            ));
        }
        if matches!(&self.kind, Kind::Ref(parent) if parent.is_self && !self.optional) {
            return Err("the first one would have nothing to refer to: make it optional".to_owned());
        }
        if !self.unique {
            return Ok(());
        }
        match &self.kind {
            Kind::Bool | Kind::Enum(_) => {
                Err("there could be only as many as there are values: it cannot be unique"
                    .to_owned())
            }
            Kind::Jsonb => Err("objects are not compared: it cannot be unique".to_owned()),
            Kind::Ref(parent) if parent.is_self => {
                Err("a reference to its own kind cannot be unique".to_owned())
            }
            Kind::Text { max } if !(2..=LONGEST_UNIQUE).contains(max) => Err(format!(
                "a unique text has 2 to {LONGEST_UNIQUE} characters, which an index takes"
            )),
            Kind::Numeric { digits, .. } if *digits < 3 => {
                Err("a unique number has at least 3 digits".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// `author`, for a reference whose column is `author_id`.
    pub(super) fn base(&self) -> &str {
        match self.kind {
            Kind::Ref(_) => self.name.trim_end_matches("_id"),
            _ => &self.name,
        }
    }

    /// Its name as people write it.
    pub(super) fn label(&self) -> String {
        names::words(self.base())
    }

    /// The type of an enum.
    pub(super) fn enum_type(&self, names: &Names) -> String {
        names.thing_type() + &names::type_name(&self.name)
    }

    /// `Option<kind>` if it is optional.
    pub(super) fn wrap(&self, kind: &str) -> String {
        if self.optional { format!("Option<{kind}>") } else { kind.to_owned() }
    }

    /// `Some(value)` if it is optional.
    pub(super) fn some(&self, value: &str) -> String {
        if self.optional { format!("Some({value})") } else { value.to_owned() }
    }

    /// Whether a value that is valid may be refused for what is stored.
    pub(super) fn can_conflict(&self) -> bool {
        self.unique || matches!(self.kind, Kind::Ref(_))
    }

    pub(super) fn is_self_reference(&self) -> bool {
        matches!(&self.kind, Kind::Ref(parent) if parent.is_self)
    }
}

/// A type as it was spelled.
struct Spelled<'a> {
    kind: &'a str,
    arguments: Option<&'a str>,
    optional: bool,
    unique: bool,
}

impl<'a> Spelled<'a> {
    /// `text(20)?!`, `text(20):optional:unique` or, without brackets, `enum:one,other`.
    fn read(text: &'a str) -> Result<Self, String> {
        let mut parts = text.split(':');
        let first = parts.next().unwrap_or_default();
        let kind = first.trim_end_matches(['?', '!']);
        let marks = &first[kind.len()..];
        let (kind, mut arguments) = match kind.split_once('(') {
            None => (kind, None),
            Some((kind, rest)) => {
                let inner =
                    rest.strip_suffix(')').ok_or("a `)` is missing, or is not at the end")?;
                (kind, Some(inner))
            }
        };
        let (mut optional, mut unique) = (marks.contains('?'), marks.contains('!'));
        for part in parts {
            let inner = part.trim_end_matches(['?', '!']);
            match inner {
                "optional" => optional = true,
                "unique" => unique = true,
                _ if arguments.is_none() && matches!(kind, "enum" | "ref") => {
                    arguments = Some(inner);
                    optional |= part.contains('?');
                    unique |= part.contains('!');
                }
                _ => {
                    return Err(format!("`{part}` is no constraint: they are optional and unique"));
                }
            }
        }
        Ok(Self { kind, arguments, optional, unique })
    }
}

impl Kind {
    fn read(
        kind: &str,
        arguments: Option<&str>,
        names: Option<&Names>,
        checkout: &Checkout,
    ) -> Result<Self, String> {
        Ok(match (kind, arguments) {
            ("text", None) => Self::Text { max: 200 },
            ("text", Some(max)) => match max.trim().parse() {
                Ok(max @ 1..=100_000) => Self::Text { max },
                _ => return Err("text(MAX) takes a number of 1 to 100000 characters".to_owned()),
            },
            ("int", None) => Self::Int,
            ("bigint", None) => Self::Bigint,
            ("numeric", None) => Self::Numeric { digits: 12, scale: 2 },
            ("numeric", Some(arguments)) => numeric(arguments)?,
            ("bool", None) => Self::Bool,
            ("uuid", None) => Self::Uuid,
            ("date", None) => Self::Date,
            ("timestamptz", None) => Self::Timestamptz,
            ("jsonb", None) => Self::Jsonb,
            ("enum", Some(values)) => Self::Enum(enum_values(values)?),
            ("ref", Some(things)) => Self::Ref(checkout.parent(things, names)?),
            _ => return Err(format!("there is no type `{kind}` like this; there are {TYPES}")),
        })
    }
}

fn numeric(arguments: &str) -> Result<Kind, String> {
    let parsed = arguments.split_once(',').and_then(|(digits, scale)| {
        Some((digits.trim().parse().ok()?, scale.trim().parse().ok()?))
    });
    match parsed {
        Some((digits @ 1..=100, scale)) if scale <= digits => Ok(Kind::Numeric { digits, scale }),
        _ => {
            Err("numeric(DIGITS,SCALE) takes 1 to 100 digits, and how many of them are after the \
            point: numeric(12,2)"
                .to_owned())
        }
    }
}

fn enum_values(text: &str) -> Result<Vec<String>, String> {
    let values: Vec<_> = text.split(',').map(|value| value.trim().to_owned()).collect();
    let is_value = |value: &String| names::is_snake_case(value) && value.len() <= 50;
    if !(2..=30).contains(&values.len()) || !values.iter().all(is_value) {
        return Err("an enum has 2 to 30 values of small letters, digits and `_`: \
            enum(draft,published)"
            .to_owned());
    }
    let twice = (1..values.len()).find(|&index| values[..index].contains(&values[index]));
    if let Some(index) = twice {
        return Err(format!("the value `{}` is given twice", values[index]));
    }
    if values.iter().any(|value| value == "self") {
        return Err("no variant of a Rust enum can be called `Self`".to_owned());
    }
    let same =
        |word: fn(&String) -> Option<&str>| values.iter().all(|it| word(it) == word(&values[0]));
    let (first, last) =
        (same(|value| value.split('_').next()), same(|value| value.rsplit('_').next()));
    if first || last {
        return Err("all values begin or end with the same word: leave it out".to_owned());
    }
    Ok(values)
}
