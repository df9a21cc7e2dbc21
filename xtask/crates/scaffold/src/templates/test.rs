//! Writes the test file of a resource.

use super::Template;
use naming::words;

use crate::{checkout::Parent, resource::Resource};

const TEST: &str = include_str!("test.rs.template");
const SEARCH_TEST: &str = include_str!("search_test.rs.template");

/// Returns the unformatted test file of a resource.
pub(crate) fn source(resource: &Resource) -> String {
    let (things, parent) = (resource.names.path(), resource.under.as_ref());
    let path = parent.map_or_else(
        || format!("/{things}"),
        |Parent { path, column, .. }| format!("/{path}/{{{column}}}/{things}"),
    );
    let with_path = |text: &str| Template::of(&text.replace("%path%", &path), resource);
    let property = |(name, value): (&str, String)| format!("\"{name}\": {value}");
    let fields = resource.fields.iter();
    let fields = fields
        .filter_map(|field| Some((field.column.as_str(), field.kind.json(&words(field.base()))?)));
    let text =
        with_path(TEST).fill("fields", &fields.map(property).collect::<Vec<_>>().join(", ")).text();
    if resource.search.is_empty() {
        return text;
    }
    let found =
        resource.fields.iter().filter(|field| resource.search.contains(&field.column)).zip(1..);
    let found = found.map(|(field, number)| {
        let word = format!("needle{number}");
        let (value, word) = match &field.kind {
            kind if kind.is("email") => {
                (format!("ada@{word}.example"), format!("ada@{word}.example"))
            }
            kind if kind.is("url") => {
                (format!("https://{word}.example/"), format!("{word}.example"))
            }
            _ => (word.clone(), word),
        };
        (property((&field.column, format!("{value:?}"))), format!("{word:?}"))
    });
    let (fields, words): (Vec<_>, Vec<_>) = found.unzip();
    let list = match parent {
        Some(Parent { path, column, .. }) => format!(
            "format!(\"/{path}/{{}}/{things}?q={{word}}\", created[\"{column}\"].as_str().expect(\"an id\"))"
        ),
        None => format!("format!(\"/{things}?q={{word}}\")"),
    };
    let search =
        with_path(SEARCH_TEST).fill("fields", &fields.join(", ")).fill("words", &words.join(", "));
    text + &search.fill("list", &list).text()
}
