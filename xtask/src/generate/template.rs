//! Templates: text with `%holes%`.

use super::names::Names;

/// A template with some holes filled.
pub(super) struct Template(String);

impl Template {
    pub(super) fn new(text: &str, names: &Names) -> Self {
        Self(text.to_owned()).names(names)
    }

    /// The names of the resource in their places.
    pub(super) fn names(self, names: &Names) -> Self {
        let template = self
            .fill("Thing", &names.thing_type())
            .fill("Things", &names.things_type())
            .fill("thing", &names.thing())
            .fill("things", &names.things())
            .fill("path", &names.path());
        template
            .fill("one", &names.one())
            .fill("many", &names.many())
            .fill("Many", &capital(&names.many()))
            .fill("a_one", &with_article(&names.one()))
            .fill("A_one", &capital(&with_article(&names.one())))
    }

    pub(super) fn fill(self, hole: &str, text: &str) -> Self {
        Self(self.0.replace(&format!("%{hole}%"), text))
    }

    pub(super) fn text(self) -> String {
        debug_assert!(!self.0.contains('%'), "a hole is left: {}", self.0);
        self.0
    }
}

pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

pub(super) fn with_article(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {noun}")
}
