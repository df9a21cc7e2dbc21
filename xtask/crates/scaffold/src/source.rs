//! Reads the fields of a resource that no command wrote from its source file.

use crate::{NewResource, field::Field, kind::Kind};

/// Returns the name and the fields of a resource. A field is kept as the file has it; `is_column` tells which ones the
/// table has.
pub(crate) fn read(
    source: &str,
    is_column: impl Fn(&str) -> bool,
) -> Option<(NewResource, Vec<Field>)> {
    let value = |key: &str| Some(between(source, &format!("\n    {key}: \""), "\"")?.to_owned());
    let request = NewResource {
        name: value("name")?.replace(' ', "_"),
        plural: value("table"),
        ..NewResource::default()
    };
    let (fields, example) =
        source.split_once("(crate) struct Create")?.1.split_once("impl Example for")?;
    let mut kept = Vec::new();
    let mut rename = None;
    for line in between(fields, "{\n", "\n}")?.lines().map(str::trim) {
        rename = between(line, "#[serde(rename = \"", "\"").or(rename);
        let Some((ident, kind)) = line.split_once(": ").filter(|_| !line.starts_with(['/', '#']))
        else {
            continue;
        };
        let column = rename.take().unwrap_or(ident.trim_start_matches("r#"));
        let kind = kind.trim_end_matches(',');
        let inside = kind.strip_prefix("Option<").and_then(|kind| kind.strip_suffix('>'));
        let example = value_of(example, &format!("{ident}: "))?;
        let example =
            example.strip_prefix("Some(").and_then(|it| it.strip_suffix(')')).unwrap_or(example);
        let kind = match inside.unwrap_or(kind) {
            "JsonObject" => Kind::Jsonb,
            kind if kind.starts_with("Decimal<") => Kind::Numeric { digits: 12, scale: 2 },
            kind => Kind::Other {
                rust: kind.to_owned(),
                example: example.to_owned(),
                is_column: is_column(column),
            },
        };
        kept.push(Field::kept(column, kind, inside.is_some()));
    }
    Some((request, kept))
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    Some(text.split_once(start)?.1.split_once(end)?.0)
}

/// Returns the expression that follows `start`, up to the comma or the bracket after it.
fn value_of<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    let value = text.split_once(start)?.1;
    let mut depth = 0;
    let end = value.find(|letter| {
        match letter {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        depth < 0 || (letter == ',' && depth == 0)
    })?;
    Some(value[..end].trim())
}
