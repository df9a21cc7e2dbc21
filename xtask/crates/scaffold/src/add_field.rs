//! Adds a field to a resource.

use std::{fs, path::Path};

use anyhow::{Context, bail};

use crate::{
    NewField, NewResource, Plan,
    checkout::{Checkout, Migration},
    field::Field,
    kind::Kind,
    merge::{merge, patch},
    plan::rustfmt,
    request::{Written, stem},
    resource::Resource,
    schema, templates,
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
    let (_, resource) = checkout.request(name).with_context(|| {
        format!(
            "nothing was written, because no migration was written by `cargo xtask new resource {name}`; {}",
            "docs/adding-a-resource.md shows what a field consists of"
        )
    })?;
    let things = resource.plural();
    let (_, path) = checkout.source(&things).with_context(|| {
        format!("nothing was written, because there is no file {things}.rs in crates/domains")
    })?;
    let source = fs::read_to_string(root.join(&path)).with_context(|| path.clone())?;
    let mut added = earlier(&checkout, resource);
    let read = |added: &[_]| Resource::existing(resource, &checkout, &source, added);
    let before = read(&added)?;
    added.push((request.field.clone(), request.default.clone()));
    let after = read(&added)?;
    let field = after.fields.last().context("a resource has fields")?;

    let mut plan = Plan::new(root);
    let test = checkout.test(&things);
    let files = [
        (path, templates::source(&before), templates::source(&after)),
        (test, templates::test(&before), templates::test(&after)),
    ];
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
