//! Arguments of the `new` commands. The first comment of a migration stores the command, so that later commands can
//! read the arguments.

use migration_files::FOLDER;
use naming::wrap;
use serde::Deserialize;

use crate::names::Names;

const NEW_RESOURCE: &str = "cargo xtask new resource ";
const NEW_FIELD: &str = "cargo xtask new field ";

/// The arguments of `cargo xtask new resource`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct NewResource {
    /// The singular: `order_line`.
    pub name: String,
    /// The fields, each as `name:type`.
    pub fields: Vec<String>,
    /// The plural, if the built-in rules are wrong.
    pub plural: Option<String>,
    /// The domain, or `None` to choose a domain automatically.
    pub domain: Option<String>,
    /// True if rows belong to the account that created them.
    pub owned: bool,
    /// The plural of the parent resource, under whose path this resource is nested.
    pub under: Option<String>,
    /// The fields that the full-text search covers.
    pub search: Vec<String>,
}

/// The arguments of `cargo xtask new field`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct NewField {
    /// The resource, in the singular or the plural.
    pub resource: String,
    /// The field, as `name:type`.
    pub field: String,
    /// The value for existing rows.
    pub default: Option<String>,
}

impl NewResource {
    /// Returns the passed or the derived plural.
    pub(crate) fn plural(&self) -> String {
        let names = Names::new(&self.name, self.plural.as_deref());
        names.map(|names| names.things).unwrap_or_default()
    }

    /// Returns the first comment of the migration: the command that creates the resource.
    pub(crate) fn comment(&self, fields: impl Iterator<Item = String>) -> String {
        let mut words = vec![self.name.clone()];
        words.extend(fields.map(|field| format!("'{field}'")));
        let plural = self.plural.as_ref().map(|plural| format!("--plural {plural}"));
        let under = self.under.as_ref().map(|under| format!("--under {under}"));
        let search =
            (!self.search.is_empty()).then(|| format!("--search {}", self.search.join(",")));
        words.extend(
            [plural, under, self.owned.then(|| "--owned".to_owned()), search].into_iter().flatten(),
        );
        comment(NEW_RESOURCE, &words)
    }
}

impl NewField {
    pub(crate) fn comment(&self, resource: &str, field: &str) -> String {
        let mut words = vec![resource.to_owned(), format!("'{field}'")];
        words.extend(self.default.as_ref().map(|value| format!("--default '{value}'")));
        comment(NEW_FIELD, &words)
    }
}

fn comment(command: &str, words: &[String]) -> String {
    format!("-- {command}{}\n", wrap(words, "", "--     ", command.len() + 3))
}

impl NewResource {
    /// Parses the first comment of a migration.
    pub(crate) fn read(migration: &str) -> Option<Self> {
        let lines = migration.lines().map_while(|line| line.strip_prefix("--")).map(str::trim);
        let text = lines.collect::<Vec<_>>().join(" ");
        let mut words = words(text.strip_prefix(NEW_RESOURCE)?).into_iter();
        let mut read = Self { name: words.next()?, ..Self::default() };
        while let Some(word) = words.next() {
            match word.as_str() {
                "--plural" => read.plural = words.next(),
                "--under" => read.under = words.next(),
                "--owned" => read.owned = true,
                "--search" => read.search = words.next()?.split(',').map(str::to_owned).collect(),
                _ if word.contains(':') => read.fields.push(word),
                // The command ends here. The rest of the comment is not part of it.
                _ => break,
            }
        }
        Some(read)
    }
}

/// Splits text into words as a shell does. Only `'` quotes.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut is_quoted) = (Vec::new(), String::new(), false);
    for letter in text.chars() {
        match letter {
            '\'' => is_quoted = !is_quoted,
            ' ' if !is_quoted => {
                words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
            }
            letter => word.push(letter),
        }
    }
    words.extend((!word.is_empty()).then_some(word));
    words
}

/// Returns the path of a migration without its extension.
pub(crate) fn stem(number: i32, name: &str) -> String {
    format!("{FOLDER}/V{number}__{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_returns_the_written_request() {
        let resource = NewResource {
            name: "book".to_owned(),
            fields: (0..20).map(|number| format!("field_{number}:enum(a,b)?")).collect(),
            plural: Some("tomes".to_owned()),
            owned: true,
            under: Some("persons".to_owned()),
            search: vec!["a".to_owned(), "b".to_owned()],
            ..NewResource::default()
        };
        let comment = resource.comment(resource.fields.iter().cloned());
        assert!(comment.lines().count() > 3 && comment.lines().all(|line| line.starts_with("-- ")));
        let migration = format!("{comment}\nCREATE TABLE tomes (\n);\n");
        assert_eq!(NewResource::read(&migration), Some(resource));
        assert_eq!(NewResource::read("-- Why.\nSELECT 1;"), None);
    }
}
