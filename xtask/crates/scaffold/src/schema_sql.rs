//! Adds the tables, columns and indexes of a resource to `schema.sql`, in the SQL that PostgreSQL reports.

use naming::quoted;

use crate::{
    field::Field,
    kind::Kind,
    resource::{Link, Resource},
    schema::Schema,
};

/// Adds the tables and indexes of a resource.
pub(crate) fn add_resource(schema: &mut Schema, resource: &Resource) {
    let things = &resource.names.things;
    let fields = || resource.fields.iter().filter(|field| field.kind.is_column());
    let mut columns = vec!["id uuid NOT NULL".to_owned()];
    columns.extend(resource.scope_columns().iter().map(|column| format!("{column} uuid NOT NULL")));
    columns.extend(fields().map(column));
    columns.push("version integer DEFAULT 1 NOT NULL".to_owned());
    let times = ["created_at", "updated_at"];
    columns.extend(times.map(|it| format!("{it} timestamp with time zone DEFAULT now() NOT NULL")));
    let mut rules = vec![format!("CONSTRAINT {things}_pkey PRIMARY KEY (id)")];
    rules.extend(resource.scope().map(|(column, to)| reference(things, column, to) + CASCADE));
    rules.extend(fields().flat_map(|field| constraints(things, field, true)));
    schema.add_table(things, columns, rules);
    for column in resource.indexed() {
        schema.add_index(
            "",
            &format!("{things}_{column}_id_idx"),
            things,
            &format!("btree ({}, id)", quoted(&column)),
        );
    }
    if !resource.search.is_empty() {
        let columns = format!("gin ({})", resource.reported_search_document());
        schema.add_index("", &format!("{things}_search_idx"), things, &columns);
    }
    for field in &resource.fields {
        let Kind::Many(target) = &field.kind else { continue };
        let Link { table, own, other, .. } = resource.link(field);
        let columns = [&own, &other].map(|column| format!("{column} uuid NOT NULL")).to_vec();
        let mut rules = vec![format!("CONSTRAINT {table}_pkey PRIMARY KEY ({own}, {other})")];
        for (column, to) in [(&own, things), (&other, &target.table)] {
            rules.push(reference(&table, column, to) + CASCADE);
        }
        schema.add_table(&table, columns, rules);
        schema.add_index("", &format!("{table}_{other}_idx"), &table, &format!("btree ({other})"));
    }
}

/// Adds a field to an existing table.
pub(crate) fn add_field(schema: &mut Schema, things: &str, field: &Field) {
    let (name, quoted) = (&field.column, quoted(&field.column));
    schema.add_column(things, column(field), constraints(things, field, false));
    if let Kind::Ref(_) = field.kind {
        schema.add_index(
            "",
            &format!("{things}_{name}_id_idx"),
            things,
            &format!("btree ({quoted}, id)"),
        );
    }
    if field.unique {
        schema.add_index(
            "UNIQUE ",
            &format!("{things}_{name}_key"),
            things,
            &format!("btree ({quoted})"),
        );
    }
}

const CASCADE: &str = " ON DELETE CASCADE";

fn reference(table: &str, column: &str, to: &str) -> String {
    let (name, column, to) = (format!("{table}_{column}_fkey"), quoted(column), quoted(to));
    format!("CONSTRAINT {name} FOREIGN KEY ({column}) REFERENCES {to}(id)")
}

fn column(field: &Field) -> String {
    let default = field.default.as_ref().and_then(|value| field.kind.default(value, "").ok());
    let default = default.map_or_else(String::new, |[.., reported]| format!(" DEFAULT {reported}"));
    let needed = if field.optional { "" } else { " NOT NULL" };
    format!("{} {}{default}{needed}", quoted(&field.column), field.kind.reported_type())
}

/// Returns the constraints of a column. A unique column that is added later has a unique index instead of a constraint.
fn constraints(things: &str, field: &Field, with_unique: bool) -> Vec<String> {
    let name = &field.column;
    let mut rules = Vec::new();
    if let Some(check) = field.kind.check(name) {
        rules.push(format!("CONSTRAINT {things}_{name}_{} {}", check.suffix, check.reported));
    }
    if let Kind::Ref(target) = &field.kind {
        rules.push(reference(things, name, &target.table));
    }
    if field.unique && with_unique {
        rules.push(format!("CONSTRAINT {things}_{name}_key UNIQUE ({})", quoted(name)));
    }
    rules
}
