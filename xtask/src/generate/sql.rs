//! The migration, and what undoes it.

use super::{Changes, Field, Kind, Parent, Resource, template::Template};

const MIGRATION: &str = include_str!("templates/migration.sql.template");
const LONGEST_LINE: usize = 110;

pub(super) fn write(resource: &Resource, changes: &mut Changes) {
    let table = resource.names.things();
    let columns = resource.each(|field| format!("    {},", column(field, &table)));
    let text = Template::new(MIGRATION, &resource.names)
        .fill("columns", &columns)
        .fill("indexes", &indexes(resource, &table))
        .text();
    let stem = format!("crates/db/migrations/V{}__create_{table}", resource.version);
    changes.add(format!("{stem}.sql"), text);
    changes.add(format!("{stem}.down.sql"), format!("DROP TABLE {table};\n"));
}

fn column(field: &Field, table: &str) -> String {
    let name = &field.name;
    let mut parts = vec![format!("{name} {}", sql_type(&field.kind))];
    if !field.optional {
        parts[0] += " NOT NULL";
    }
    let check = match &field.kind {
        Kind::Text { max } => format!("length CHECK (char_length({name}) BETWEEN 1 AND {max})"),
        Kind::Jsonb => format!("object CHECK (jsonb_typeof({name}) = 'object')"),
        Kind::Enum(values) => format!("values CHECK ({name} IN ('{}'))", values.join("', '")),
        Kind::Ref(parent) => format!("fkey REFERENCES {}", parent.things),
        _ => String::new(),
    };
    if !check.is_empty() {
        parts.push(format!("CONSTRAINT {table}_{name}_{check}"));
    }
    if field.unique {
        parts.push(format!("CONSTRAINT {table}_{name}_key UNIQUE"));
    }
    let line = parts.join(" ");
    if line.len() < LONGEST_LINE { line } else { parts.join("\n        ") }
}

pub(super) fn sql_type(kind: &Kind) -> String {
    match kind {
        Kind::Text { .. } | Kind::Enum(_) => "text".to_owned(),
        Kind::Int => "integer".to_owned(),
        Kind::Bigint => "bigint".to_owned(),
        Kind::Numeric { digits, scale } => format!("numeric({digits}, {scale})"),
        Kind::Bool => "boolean".to_owned(),
        Kind::Uuid | Kind::Ref(_) => "uuid".to_owned(),
        Kind::Date => "date".to_owned(),
        Kind::Timestamptz => "timestamptz".to_owned(),
        Kind::Jsonb => "jsonb".to_owned(),
    }
}

fn indexes(resource: &Resource, table: &str) -> String {
    let index = |(field, parent): (&Field, &Parent)| {
        format!(
            "\n\n-- The {} of one {}, in their order; also what the foreign key needs.\n\
             CREATE INDEX {table}_{name}_id_idx ON {table} ({name}, id);",
            resource.names.many(),
            parent.one,
            name = field.name
        )
    };
    resource.indexed().map(index).collect()
}
