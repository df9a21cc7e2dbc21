//! Writes the SQL of migrations.

use super::{LONGEST_LINE, Template};
use naming::quoted;

use crate::{
    field::Field,
    kind::Kind,
    resource::{Link, Resource},
};

const MIGRATION: &str = include_str!("migration.sql.template");

/// Returns the migration that creates the tables of a resource, and its down migration.
pub(crate) fn create(resource: &Resource, comment: &str) -> (String, String) {
    let (things, table) = (&resource.names.things, resource.table());
    let references = resource.scope().map(|(column, to)| {
        let to = quoted(to);
        format!("    {column} uuid NOT NULL CONSTRAINT {things}_{column}_fkey REFERENCES {to} ON DELETE CASCADE,")
    });
    let stored = resource.fields.iter().filter(|field| field.kind.is_column());
    let stored = stored.map(|field| format!("    {},", definition(field, things)));
    let columns: Vec<_> = references.chain(stored).collect();
    let mut text = Template::of(MIGRATION, resource)
        .fill("comment", comment)
        .fill("columns", &columns.join("\n"))
        .text();
    for column in resource.indexed() {
        let quoted = quoted(&column);
        text += &format!("\nCREATE INDEX {things}_{column}_id_idx ON {table} ({quoted}, id);\n");
    }
    if !resource.search.is_empty() {
        let document = resource.search_document();
        text += &format!("\nCREATE INDEX {things}_search_idx ON {table} USING gin ({document});\n");
    }
    let mut down = String::new();
    for field in resource.fields.iter().filter(|field| matches!(field.kind, Kind::Many(_))) {
        let (up, undo) = link(resource, field);
        text += &format!("\n{up}");
        down += &undo;
    }
    (text, down + &format!("DROP TABLE {table};\n"))
}

/// Returns the queries that create and drop the join table of a `many(..)` field.
fn link(resource: &Resource, field: &Field) -> (String, String) {
    let Link { table, own, other, .. } = resource.link(field);
    let Kind::Many(target) = &field.kind else { return Default::default() };
    let (from, to) = (resource.table(), quoted(&target.table));
    let up = format!(
        "CREATE TABLE {table} (\n    \
         {own} uuid NOT NULL CONSTRAINT {table}_{own}_fkey REFERENCES {from} ON DELETE CASCADE,\n    \
         {other} uuid NOT NULL CONSTRAINT {table}_{other}_fkey REFERENCES {to} ON DELETE CASCADE,\n    \
         CONSTRAINT {table}_pkey PRIMARY KEY ({own}, {other})\n);\n\n\
         CREATE INDEX {table}_{other}_idx ON {table} ({other});\n"
    );
    (up, format!("DROP TABLE {table};\n"))
}

/// Returns the definition of a column for `CREATE TABLE` or `ADD COLUMN`.
fn definition(field: &Field, things: &str) -> String {
    let name = &field.column;
    let mut parts = vec![format!("{} {}", quoted(name), field.kind.sql_type())];
    parts[0] += if field.optional { "" } else { " NOT NULL" };
    if let Some(check) = field.kind.check(name) {
        parts.push(format!("CONSTRAINT {things}_{name}_{} {}", check.suffix, check.rule));
    }
    if let Kind::Ref(target) = &field.kind
        && !field.is_added
    {
        parts.push(format!("CONSTRAINT {things}_{name}_fkey REFERENCES {}", quoted(&target.table)));
    }
    if field.unique {
        parts.push(format!("CONSTRAINT {things}_{name}_key UNIQUE"));
    }
    let line = parts.join(" ");
    if line.len() < LONGEST_LINE { line } else { parts.join("\n        ") }
}

/// Returns the definition of a column for `ADD COLUMN`, without constraints that would lock a large table for long.
pub(crate) fn added_column(field: &Field, things: &str) -> String {
    let default = field.default.as_ref().and_then(|value| field.kind.default(value, "").ok());
    let mut field = field.clone();
    field.unique = false;
    let text = definition(&field, things);
    match default {
        Some([value, ..]) => text.replacen(" NOT NULL", &format!(" NOT NULL DEFAULT {value}"), 1),
        None => text,
    }
}
