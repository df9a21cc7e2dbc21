//! The new table in `crates/db/schema.sql`, in the words of `db::migrations::describe`, which a test
//! compares with what PostgreSQL says.

use super::{Field, Kind, Parent, Resource, sql::sql_type};

pub(super) const FILE: &str = "crates/db/schema.sql";

/// What may be called so without quotes, and PostgreSQL quotes all the same.
const QUOTED: &str = "between bigint bit boolean char character coalesce dec decimal exists extract float \
    greatest grouping inout int integer interval least national nchar none normalize nullif numeric out \
    overlay position precision real row setof smallint substring time timestamp treat trim values varchar";

/// Adds the table and its indexes, each in its place by its name; none where there is no other table.
pub(super) fn add(text: &str, resource: &Resource) -> Option<String> {
    let mut objects: Vec<_> = text.trim_end().split("\n\n").map(str::to_owned).collect();
    for new in [vec![table(resource)], indexes(resource)].concat() {
        let own = place(&new)?;
        let is_later = |object: &String| place(object).is_some_and(|other| other > own);
        let at = match objects.iter().position(is_later) {
            Some(at) => at,
            None => objects.iter().rposition(|object| place(object).is_some())? + 1,
        };
        objects.insert(at, new);
    }
    Some(objects.join("\n\n") + "\n")
}

/// Where a table or an index belongs among all others: tables come first.
fn place(object: &str) -> Option<(bool, &str, &str)> {
    let line = object.lines().next()?.strip_prefix("CREATE ")?;
    if let Some((_, name)) = line.split_once("TABLE ") {
        return Some((false, name.strip_suffix(" (")?, ""));
    }
    let (_, rest) = line.split_once("INDEX ")?;
    let (name, rest) = rest.split_once(" ON ")?;
    let (table, _) = rest.split_once(" USING ")?;
    Some((true, table.rsplit('.').next()?, name))
}

fn table(resource: &Resource) -> String {
    let things = resource.names.things();
    let column = |field: &Field| {
        let needed = if field.optional { "" } else { " NOT NULL" };
        format!("{} {}{needed}", quoted(&field.name), type_name(&field.kind))
    };
    let mut lines = vec!["id uuid NOT NULL".to_owned()];
    lines.extend(resource.fields.iter().map(column));
    lines.push("version integer DEFAULT 1 NOT NULL".to_owned());
    for time in ["created_at", "updated_at"] {
        lines.push(format!("{time} timestamp with time zone DEFAULT now() NOT NULL"));
    }
    lines.push(format!("CONSTRAINT {things}_pkey PRIMARY KEY (id)"));
    let mut constraints: Vec<_> = resource
        .fields
        .iter()
        .flat_map(constraints)
        .map(|(name, rule)| format!("CONSTRAINT {things}_{name} {rule}"))
        .collect();
    constraints.sort();
    lines.append(&mut constraints);
    format!("CREATE TABLE {} (\n    {}\n);", quoted(&things), lines.join(",\n    "))
}

/// The rules of a column, with what their names end in.
fn constraints(field: &Field) -> Vec<(String, String)> {
    let (name, column) = (&field.name, quoted(&field.name));
    let rule = match &field.kind {
        Kind::Text { max } => Some((
            "length",
            format!("CHECK (((char_length({column}) >= 1) AND (char_length({column}) <= {max})))"),
        )),
        Kind::Jsonb => {
            Some(("object", format!("CHECK ((jsonb_typeof({column}) = 'object'::text))")))
        }
        Kind::Enum(values) => {
            let values: Vec<_> = values.iter().map(|value| format!("'{value}'::text")).collect();
            let values = values.join(", ");
            Some(("values", format!("CHECK (({column} = ANY (ARRAY[{values}])))")))
        }
        Kind::Ref(parent) => {
            let parent = quoted(&parent.things);
            Some(("fkey", format!("FOREIGN KEY ({column}) REFERENCES {parent}(id)")))
        }
        _ => None,
    };
    let unique = field.unique.then(|| ("key", format!("UNIQUE ({column})")));
    rule.into_iter().chain(unique).map(|(end, rule)| (format!("{name}_{end}"), rule)).collect()
}

/// Those of references, as the migration makes them.
fn indexes(resource: &Resource) -> Vec<String> {
    let things = resource.names.things();
    let index = |(field, _): (&Field, &Parent)| {
        let (name, table) = (&field.name, quoted(&things));
        format!(
            "CREATE INDEX {things}_{name}_id_idx ON public.{table} USING btree ({}, id);",
            quoted(name)
        )
    };
    resource.indexed().map(index).collect()
}

fn type_name(kind: &Kind) -> String {
    match kind {
        Kind::Timestamptz => "timestamp with time zone".to_owned(),
        kind => sql_type(kind).replace(", ", ","),
    }
}

fn quoted(name: &str) -> String {
    if QUOTED.split_whitespace().any(|word| word == name) {
        return format!("\"{name}\"");
    }
    name.to_owned()
}
