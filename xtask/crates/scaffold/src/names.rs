//! The names of a resource in all the places where it has one.

use pluralizer::pluralize;

use crate::words::{is_snake_case, type_name, with_article, words};

/// A name of a table or a column has at most this many characters, so that the names of constraints and indexes, which
/// consist of both, fit PostgreSQL's 63.
pub(crate) const LONGEST: usize = 30;

/// Words that look like plurals and are used as singulars as well.
const BOTH: [&str; 8] =
    ["chaos", "data", "goods", "headquarters", "means", "metadata", "species", "series"];

/// The names of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    /// The name as given: `order_line`.
    pub(crate) thing: String,
    /// The plural, which is the name of the table and the module: `order_lines`.
    pub(crate) things: String,
    /// Ends the names of types where a name without it is taken.
    pub(crate) suffix: &'static str,
}

impl Names {
    /// # Errors
    /// A name is not acceptable; the message has the rule and an example.
    pub(crate) fn new(thing: &str, things: Option<&str>) -> Result<Self, String> {
        check(thing).map_err(|rule| format!("the name `{thing}` {rule}"))?;
        let things = match things {
            Some(things) => things.to_owned(),
            None => plural(thing)?,
        };
        check(&things).map_err(|rule| format!("the plural `{things}` {rule}"))?;
        Ok(Self { thing: thing.to_owned(), things, suffix: "" })
    }

    /// `OrderLine`
    pub(crate) fn thing_type(&self) -> String {
        type_name(&self.thing) + self.suffix
    }

    /// `OrderLines`
    pub(crate) fn things_type(&self) -> String {
        type_name(&self.things) + self.suffix
    }

    /// `order line`
    pub(crate) fn one(&self) -> String {
        words(&self.thing)
    }

    /// `an order line`
    pub(crate) fn a_one(&self) -> String {
        with_article(&self.one())
    }

    /// `order lines`
    pub(crate) fn many(&self) -> String {
        words(&self.things)
    }

    /// `order-lines`
    pub(crate) fn path(&self) -> String {
        self.things.replace('_', "-")
    }
}

fn check(name: &str) -> Result<(), String> {
    if !is_snake_case(name) {
        return Err("must consist of lower-case letters and digits, with `_` between words, such as `order_line`".to_owned());
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

/// Returns the plural of the last word.
///
/// # Errors
/// The word seems to be a plural already.
fn plural(thing: &str) -> Result<String, String> {
    let (before, last) = last_word(thing);
    let (many, one) = (pluralize(last, 2, false), pluralize(last, 1, false));
    let is_acronym = !last.contains(['a', 'e', 'i', 'o', 'u', 'y']) || last.len() < 4;
    if many == last && one != last && !is_acronym && !BOTH.contains(&last) {
        return Err(format!(
            "`{thing}` looks like a plural, and a resource is named in the singular, such as `{before}{one}`. If \
             `{thing}` is the singular, name its plural with --plural"
        ));
    }
    Ok(format!("{before}{many}"))
}

/// Returns the singular of the last word: `tag` for `tags`.
pub(crate) fn singular(things: &str) -> String {
    let (before, last) = last_word(things);
    format!("{before}{}", pluralize(last, 1, false))
}

/// Returns whether the last word is a plural.
pub(crate) fn is_plural(label: &str) -> bool {
    let last = label.rsplit([' ', '_']).next().unwrap_or_default();
    pluralize(last, 2, false) == last && pluralize(last, 1, false) != last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plurals_are_those_of_english() {
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
