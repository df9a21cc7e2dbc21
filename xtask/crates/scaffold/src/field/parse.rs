//! Parses the type of a field.

use super::{FindTarget, TYPES};
use crate::{
    kind::{Kind, SIMPLE, Target, Variant},
    names::Names,
};

/// The parts of a type in command-line notation.
pub(super) struct TypeText<'a> {
    pub(super) kind: &'a str,
    pub(super) arguments: Option<&'a str>,
    pub(super) optional: bool,
    pub(super) unique: bool,
}

impl<'a> TypeText<'a> {
    /// Parses `text(20)?!`, `text(20):optional:unique` or, without brackets, `enum:one,other`.
    pub(super) fn read(text: &'a str) -> Result<Self, String> {
        let bare = |part: &'a str| part.trim_end_matches(['?', '!']);
        let mut parts = text.split(':');
        let marked = parts.next().unwrap_or_default();
        let first = bare(marked);
        let mut marks = marked[first.len()..].to_owned();
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
                        "`{other}` is not a property of a field. Use `optional` or `unique`."
                    ));
                }
            }
            marks += &part[bare(part).len()..];
        }
        let (optional, unique) = (marks.contains('?'), marks.contains('!'));
        Ok(Self { kind, arguments, optional, unique })
    }
}

/// Returns the type that the parts describe.
pub(super) fn read_kind(
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
                    "MAX in text(MAX) must be a number from 1 to 100000, such as `text(80)`"
                        .to_owned(),
                );
            }
        },
        _ if is_array => return Err("only text can be a list, such as `labels:text[]`".to_owned()),
        ("numeric", None) => Kind::Numeric { digits: 12, scale: 2 },
        ("numeric", Some(arguments)) => numeric(arguments)?,
        ("enum", Some(values)) => Kind::Enum(variants(values)?),
        ("ref", Some(things)) => Kind::Ref(target(things)?),
        ("many", Some(things)) => Kind::Many(target(things)?),
        ("enum", None) => {
            return Err("an enum needs values, such as `status:enum(draft,published)`".to_owned());
        }
        ("ref" | "many", None) => {
            return Err(format!(
                "`{kind}` needs the plural of a resource, such as `owner:{kind}(persons)`"
            ));
        }
        (kind, arguments) => match SIMPLE.iter().find(|simple| simple.name == kind) {
            Some(simple) if arguments.is_none() => Kind::Simple(simple),
            _ => {
                return Err(format!(
                    "the type `{kind}` does not exist in this form. Available types: {TYPES}."
                ));
            }
        },
    })
}

fn numeric(arguments: &str) -> Result<Kind, String> {
    let parsed = arguments.split_once(',').and_then(|(digits, scale)| {
        Some((digits.trim().parse().ok()?, scale.trim().parse().ok()?))
    });
    match parsed {
        Some((digits @ 1..=100, scale)) if scale <= digits => Ok(Kind::Numeric { digits, scale }),
        _ => Err("DIGITS in numeric(DIGITS,SCALE) is the total number of digits (1 to 100), and SCALE is the number of \
            decimal places, such as `numeric(12,2)`"
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
                "an enum value must have 1 to 50 characters without spaces, quotes or brackets, {example}"
            ));
        }
        if variants.iter().any(|other| other.value == value) {
            return Err(format!("the value `{value}` is listed twice"));
        }
        let variant = Variant::new(value, &variants);
        variants.push(variant);
    }
    if variants.len() < 2 {
        return Err(format!("an enum must have at least two values, {example}"));
    }
    Ok(variants)
}
