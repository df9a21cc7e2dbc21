//! What a resource is called in all the places where it has a name.

use super::reserved;

/// What others derive from the plural and a field must fit the 63 characters of PostgreSQL.
const LONGEST: usize = 30;

/// Plurals that no rule finds, and words that have none.
const IRREGULAR: [(&str, &str); 14] = [
    ("analysis", "analyses"),
    ("child", "children"),
    ("criterion", "criteria"),
    ("datum", "data"),
    ("foot", "feet"),
    ("half", "halves"),
    ("knife", "knives"),
    ("leaf", "leaves"),
    ("man", "men"),
    ("mouse", "mice"),
    ("quiz", "quizzes"),
    ("shelf", "shelves"),
    ("tooth", "teeth"),
    ("woman", "women"),
];
const UNCOUNTABLE: [&str; 12] = [
    "advice",
    "equipment",
    "feedback",
    "fish",
    "hardware",
    "information",
    "metadata",
    "money",
    "news",
    "series",
    "sheep",
    "software",
];

/// The names of a resource.
#[derive(Debug)]
pub(crate) struct Names {
    thing: String,
    things: String,
}

impl Names {
    /// # Errors
    /// What is wrong with a name, and the rule.
    pub(super) fn new(thing: &str, things: Option<&str>) -> Result<Self, String> {
        check(thing).map_err(|rule| format!("the name `{thing}`: {rule}"))?;
        let things = things.map_or_else(|| plural(thing), |it| Ok(it.to_owned()))?;
        check(&things).map_err(|rule| format!("the plural `{things}`: {rule}"))?;
        if things == thing {
            return Err(format!(
                "the plural `{things}` must differ from the singular: the list and one of its \
                 items could not be told apart"
            ));
        }
        Ok(Self { thing: thing.to_owned(), things })
    }

    /// `order_line`
    pub(super) fn thing(&self) -> String {
        self.thing.clone()
    }

    /// `order_lines`: the table and the modules.
    pub(crate) fn things(&self) -> String {
        self.things.clone()
    }

    /// `OrderLine`
    pub(super) fn thing_type(&self) -> String {
        type_name(&self.thing)
    }

    /// `OrderLines`
    pub(super) fn things_type(&self) -> String {
        type_name(&self.things)
    }

    /// `order line`
    pub(super) fn one(&self) -> String {
        words(&self.thing)
    }

    /// `order lines`
    pub(super) fn many(&self) -> String {
        words(&self.things)
    }

    /// `order-lines`
    pub(super) fn path(&self) -> String {
        self.things.replace('_', "-")
    }
}

/// `order_line` as `OrderLine`.
pub(super) fn type_name(snake: &str) -> String {
    snake.split('_').map(super::template::capital).collect()
}

/// `order_line` as `order line`.
pub(super) fn words(snake: &str) -> String {
    snake.replace('_', " ")
}

/// Whether `text` is words of small letters and digits, joined by `_`.
pub(crate) fn is_snake_case(text: &str) -> bool {
    let is_word = |word: &str| {
        word.starts_with(|first: char| first.is_ascii_lowercase())
            && word.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit())
    };
    text.split('_').all(is_word)
}

fn check(name: &str) -> Result<(), String> {
    if !is_snake_case(name) {
        return Err("a name is words of small letters and digits, joined by `_`, each beginning \
            with a letter: `order_line`"
            .to_owned());
    }
    if name.len() > LONGEST {
        return Err(format!("a name has at most {LONGEST} characters"));
    }
    reserved::check(name)?;
    if reserved::TYPES.contains(&type_name(name).as_str()) {
        let name = type_name(name);
        return Err(format!("the code needs the name `{name}` for something else"));
    }
    Ok(())
}

/// The plural of the last word, as English forms it; where that is not plain, it has to be said.
fn plural(thing: &str) -> Result<String, String> {
    let (before, last) = thing.rfind('_').map_or(("", thing), |at| thing.split_at(at + 1));
    let ask = |why: &str| format!("the plural of `{thing}` {why}: say it with --plural");
    if UNCOUNTABLE.contains(&last) {
        return Err(ask("is no other word"));
    }
    if let Some((_, many)) = IRREGULAR.iter().find(|(one, _)| *one == last) {
        return Ok(format!("{before}{many}"));
    }
    if IRREGULAR.iter().any(|(_, many)| *many == last) {
        return Err(format!("`{thing}` is a plural: the name is what one of them is called"));
    }
    let ends = |endings: &[&str]| endings.iter().any(|ending| last.ends_with(ending));
    let before_last = last.chars().rev().nth(1);
    let many = match () {
        () if ends(&["f", "fe", "o"]) && !ends(&["ff", "oo", "io", "eo"]) => {
            return Err(ask("could have two forms"));
        }
        () if ends(&["ss", "us", "x", "z", "ch", "sh"]) => format!("{last}es"),
        () if ends(&["is"]) => format!("{}es", &last[..last.len() - 2]),
        () if ends(&["s"]) => {
            let one = &thing[..thing.len() - 1];
            return Err(format!(
                "`{thing}` looks like a plural: the name is what one of them is called, `{one}`; if \
                 `{thing}` is one, say what many are called with --plural"
            ));
        }
        () if ends(&["y"]) && before_last.is_some_and(|it| !"aeiou".contains(it)) => {
            format!("{}ies", &last[..last.len() - 1])
        }
        () => format!("{last}s"),
    };
    Ok(format!("{before}{many}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plurals_are_formed_where_english_is_regular() {
        for (one, many) in [
            ("book", "books"),
            ("category", "categories"),
            ("day", "days"),
            ("address", "addresses"),
            ("status", "statuses"),
            ("box", "boxes"),
            ("branch", "branches"),
            ("basis", "bases"),
            ("child", "children"),
            ("video", "videos"),
            ("order_line", "order_lines"),
            ("stock_category", "stock_categories"),
        ] {
            assert_eq!(plural(one).as_deref(), Ok(many));
        }
        for one in ["photo", "hero", "proof", "series", "books", "children", "news"] {
            assert!(plural(one).is_err(), "{one}");
        }
    }
}
