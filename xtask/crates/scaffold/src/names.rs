//! The names of a resource in code, SQL, paths and text.

use naming::{is_snake_case, type_name, with_article, words};
use pluralizer::pluralize;

/// The maximum length of a table or column name. Constraint names contain both, and PostgreSQL limits them to 63
/// characters.
pub(crate) const LONGEST: usize = 30;

/// Words that look like plurals but are also used as singulars.
const SINGULAR_EXCEPTIONS: [&str; 8] =
    ["chaos", "data", "goods", "headquarters", "means", "metadata", "species", "series"];

/// The names of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    /// The singular: `order_line`.
    pub(crate) thing: String,
    /// The plural, which is the name of the table and the module: `order_lines`.
    pub(crate) things: String,
    /// A suffix for type names, or an empty string if the names are free without a suffix.
    pub(crate) suffix: &'static str,
}

impl Names {
    /// Derives the plural unless `things` is passed.
    ///
    /// # Errors
    /// A name is invalid. The message states the rule and an example.
    pub(crate) fn new(thing: &str, things: Option<&str>) -> Result<Self, String> {
        check(thing).map_err(|rule| format!("the name `{thing}` {rule}"))?;
        let things = match things {
            Some(things) => things.to_owned(),
            None => plural(thing)?,
        };
        check(&things).map_err(|rule| format!("the plural `{things}` {rule}"))?;
        Ok(Self { thing: thing.to_owned(), things, suffix: "" })
    }

    /// Returns `OrderLine`.
    pub(crate) fn thing_type(&self) -> String {
        type_name(&self.thing) + self.suffix
    }

    /// Returns `OrderLines`.
    pub(crate) fn things_type(&self) -> String {
        type_name(&self.things) + self.suffix
    }

    /// Returns `order line`.
    pub(crate) fn one(&self) -> String {
        words(&self.thing)
    }

    /// Returns `an order line`.
    pub(crate) fn a_one(&self) -> String {
        with_article(&self.one())
    }

    /// Returns `order lines`.
    pub(crate) fn many(&self) -> String {
        words(&self.things)
    }

    /// Returns `order-lines`.
    pub(crate) fn path(&self) -> String {
        self.things.replace('_', "-")
    }
}

fn check(name: &str) -> Result<(), String> {
    if !is_snake_case(name) {
        return Err(
            "must consist of lower-case letters and digits, with `_` between words, such as \
            `order_line`"
                .to_owned(),
        );
    }
    if name.len() > LONGEST {
        return Err(format!("is longer than {LONGEST} characters"));
    }
    Ok(())
}

/// Splits `order_line` into `order_` and `line`.
fn last_word(name: &str) -> (&str, &str) {
    name.rfind('_').map_or(("", name), |at| name.split_at(at + 1))
}

/// Returns the name with its last word in the plural.
///
/// # Errors
/// The last word already looks like a plural.
fn plural(thing: &str) -> Result<String, String> {
    let (before, last) = last_word(thing);
    let (many, one) = (pluralize(last, 2, false), pluralize(last, 1, false));
    let is_acronym = !last.contains(['a', 'e', 'i', 'o', 'u', 'y']) || last.len() < 4;
    if many == last && one != last && !is_acronym && !SINGULAR_EXCEPTIONS.contains(&last) {
        return Err(format!(
            "`{thing}` looks like a plural. Pass the singular, such as `{before}{one}`. If `{thing}` is the singular, \
             pass its plural with --plural."
        ));
    }
    Ok(format!("{before}{many}"))
}

/// Returns the name with its last word in the singular: `order_line` for `order_lines`.
pub(crate) fn singular(things: &str) -> String {
    let (before, last) = last_word(things);
    format!("{before}{}", pluralize(last, 1, false))
}

/// Returns whether the last word of the label is a plural.
pub(crate) fn is_plural(label: &str) -> bool {
    let last = label.rsplit([' ', '_']).next().unwrap_or_default();
    pluralize(last, 2, false) == last && pluralize(last, 1, false) != last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plural_follows_english_and_rejects_plurals() {
        for (one, many) in [
            ("book", "books"),
            ("category", "categories"),
            ("address", "addresses"),
            ("status", "statuses"),
            ("child", "children"),
            ("person", "people"),
            ("analysis", "analyses"),
            ("hero", "heroes"),
            ("photo", "photos"),
            ("shelf", "shelves"),
            ("thief", "thieves"),
            ("sheep", "sheep"),
            ("news", "news"),
            ("series", "series"),
            ("dns", "dns"),
            ("order_line", "order_lines"),
            ("copy", "copies"),
            ("query", "queries"),
        ] {
            assert_eq!(plural(one).as_deref(), Ok(many));
        }
        for many in ["books", "children", "order_lines"] {
            let refused = plural(many).expect_err(many);
            assert!(refused.contains("looks like a plural"), "{refused}");
        }
    }
}
