//! Adds a field to a resource.

use std::{fs, path::Path};

use anyhow::{Context, bail};

use crate::{
    NewField, NewResource, Plan,
    checkout::{Checkout, DOMAINS, Migration},
    field::Field,
    kind::Kind,
    merge::{merge, patch},
    plan::rustfmt,
    request::{Written, stem},
    resource::{Existing, Resource},
    schema, source, templates,
    words::quoted,
};

/// Plans the files of a new field.
///
/// # Errors
/// The request is not acceptable, or a file of the resource was edited where the field belongs. The message then has the
/// changes to make by hand.
pub fn new_field(root: &Path, request: &NewField) -> anyhow::Result<Plan> {
    let checkout = Checkout::read(root)?;
    let name = &request.resource;
    let no_file =
        || format!("nothing was written, because {DOMAINS} has no file of a resource `{name}`");
    let written = checkout.request(name).map(|(_, resource)| resource.clone());
    let things = match &written {
        Some(resource) => resource.plural(),
        None => checkout.table_of(name).with_context(no_file)?,
    };
    let (_, path) = checkout.source(&things).with_context(no_file)?;
    let source = fs::read_to_string(root.join(&path)).with_context(|| path.clone())?;
    let is_column = |column: &str| checkout.schema.has_column(&things, column);
    let (resource, kept, is_written) = match written {
        Some(resource) => (resource, Vec::new(), true),
        None => {
            let read = source::read(&source, is_column);
            let (resource, kept) = read.with_context(|| {
                format!("nothing was written, because {path} has an unknown form")
            })?;
            (resource, kept, false)
        }
    };
    let added = earlier(&checkout, &resource).into_iter().filter(|_| is_written).collect();
    let mut existing = Existing { source: &source, kept, added };
    let before = Resource::new(&resource, &checkout, &existing)?;
    existing.added.push((request.field.clone(), request.default.clone()));
    let after = Resource::new(&resource, &checkout, &existing)?;
    let field = after.fields.last().context("a resource has fields")?;

    let mut plan = Plan::new(root);
    let mut files = vec![(path, templates::source(&before), templates::source(&after))];
    if is_written {
        files.push((checkout.test(&things), templates::test(&before), templates::test(&after)));
    }
    let mut by_hand = String::new();
    for (path, base, theirs) in files {
        let (base, theirs) = (rustfmt(root, &base)?, rustfmt(root, &theirs)?);
        // A test that was removed stays removed.
        let Ok(ours) = fs::read_to_string(root.join(&path)) else { continue };
        match merge(&ours, &base, &theirs)? {
            Some(merged) => plan.add(path, merged)?,
            None => by_hand += &format!("{path}\n{}", patch(&base, &theirs)?),
        }
    }
    let (name, written) = (&resource.name, field.to_string());
    let migrations = migrations(&after, field, &request.comment(name, &written));
    if !by_hand.is_empty() {
        let (up, _) = &migrations[0].1;
        bail!(
            "nothing was written, because the resource was edited where the field belongs. Make these changes by hand, \
             then write the migration with `cargo xtask migrate new add_{name}_{}`:\n{by_hand}migration\n{up}",
            field.column
        );
    }
    for (number, (verb, (up, down))) in (checkout.next_number()..).zip(migrations) {
        let stem = stem(number, &format!("{verb}_{name}_{}", field.column));
        plan.add(format!("{stem}.sql"), up)?;
        plan.add(format!("{stem}.down.sql"), down)?;
    }
    let mut schema = checkout.schema.clone();
    schema.add_field(&after, field);
    plan.add(schema::FILE, schema.text())?;
    Ok(plan)
}

/// The fields that earlier commands added, with their defaults.
pub(crate) fn earlier(
    checkout: &Checkout,
    resource: &NewResource,
) -> Vec<(String, Option<String>)> {
    let written =
        checkout.migrations.iter().filter_map(|Migration { written, .. }| match written {
            Some(Written::Field(field)) if field.resource == resource.name => Some(field),
            _ => None,
        });
    written.map(|field| (field.field.clone(), field.default.clone())).collect()
}

type Texts = (String, String);

/// The migrations for a table that has rows and is in use, each with what undoes it. The released version must be able
/// to read and write the table after each of them, and none of them locks it for long.
fn migrations(resource: &Resource, field: &Field, comment: &str) -> Vec<(&'static str, Texts)> {
    let (things, table) = (&resource.names.things, resource.table());
    let (name, column) = (&field.column, quoted(&field.column));
    if let Kind::Many(_) = field.kind {
        let (up, down) = templates::link(resource, field);
        return vec![("add", (comment.to_owned() + &up, down))];
    }
    let definition = templates::added_column(field, things);
    let drop = format!("ALTER TABLE {table} DROP COLUMN {column};\n");
    let index = |unique: &str, name: &str, columns: &str| {
        let up = format!(
            "-- migrate: no transaction\nCREATE {unique}INDEX CONCURRENTLY IF NOT EXISTS {name} ON {table} ({columns});\n"
        );
        ("index", (up, format!("DROP INDEX {name};\n")))
    };
    let Kind::Ref(target) = &field.kind else {
        let mut all = vec![(
            "add",
            (format!("{comment}ALTER TABLE {table} ADD COLUMN {definition};\n"), drop),
        )];
        if field.unique {
            all.push(index("UNIQUE ", &format!("{things}_{name}_key"), &column));
        }
        return all;
    };
    let (constraint, to) = (format!("{things}_{name}_fkey"), quoted(&target.table));
    let add = format!(
        "{comment}ALTER TABLE {table}\n    ADD COLUMN {definition},\n    \
         ADD CONSTRAINT {constraint} FOREIGN KEY ({column}) REFERENCES {to} NOT VALID;\n"
    );
    let validate = format!("ALTER TABLE {table} VALIDATE CONSTRAINT {constraint};\n");
    let mut all = vec![
        ("add", (add, drop)),
        ("validate", (validate, "-- A constraint stays valid.\nSELECT;\n".to_owned())),
        index("", &format!("{things}_{name}_id_idx"), &format!("{column}, id")),
    ];
    if field.unique {
        all.push(("make_unique", index("UNIQUE ", &format!("{things}_{name}_key"), &column).1));
    }
    all
}
