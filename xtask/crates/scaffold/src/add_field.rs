//! Plans the files of a new field.

use std::path::Path;

use anyhow::{Context, bail};
use naming::quoted;

use crate::{
    NewField, Plan,
    checkout::{Checkout, DOMAINS},
    edit,
    field::Field,
    kind::Kind,
    names::Names,
    request::stem,
    resource::Resource,
    schema, schema_sql, templates,
};

/// Returns the plan for the files of a new field.
///
/// # Errors
/// The request is invalid, or the source file was edited too much to find the places for the field. The message then
/// lists the changes to make by hand.
pub fn new_field(root: &Path, request: &NewField) -> anyhow::Result<Plan> {
    let checkout = Checkout::read(root)?;
    let (path, names) = find(&checkout, &request.resource)?;
    let source = checkout.read_file(&path)?;
    let field = Field::read(&request.field, &names, &|things| checkout.target(things))
        .and_then(|field| field.with_default(request.default.clone()))
        .and_then(|field| {
            if checkout.schema.has_column(&names.things, &field.column) {
                return Err(format!("the resource already has a field `{}`", field.column));
            }
            Ok(field)
        });
    let field = match field {
        Ok(field) => field,
        Err(problem) => bail!("nothing was written, because\n  `{}`: {problem}", request.field),
    };
    let (thing, column) = (names.thing.clone(), field.column.clone());
    let comment = request.comment(&thing, &field.to_string());
    let resource = Resource::of_field(names, field, &checkout);
    let field = &resource.fields[0];
    let migrations = migrations(&resource, field, &comment);
    let edited = edit::add_field(&source, &resource);
    if !edited.missing.is_empty() {
        bail!(
            "nothing was written, because {path} no longer has the generated form of {}. Make these changes by hand, \
             then create the migration with `cargo xtask migrate new add_{thing}_{column}`:\n{}{}",
            edited.missing.join(", "),
            edit::by_hand(&resource),
            migrations[0].1.0,
        );
    }

    let mut plan = Plan::new(root);
    plan.add(&path, edited.text)?;
    let test = checkout.test(&resource.names.things);
    if let Some(text) = plan.text(&test).ok().and_then(|text| edit::add_to_test(&text, &resource)) {
        plan.add(test, text)?;
    }
    for (number, (verb, (up, down))) in (checkout.next_number()..).zip(migrations) {
        let stem = stem(number, &format!("{verb}_{thing}_{column}"));
        plan.add(format!("{stem}.sql"), up)?;
        plan.add(format!("{stem}.down.sql"), down)?;
    }
    let mut schema = checkout.schema.clone();
    schema_sql::add_field(&mut schema, &resource.names.things, field);
    plan.add(schema::FILE, schema.text())?;
    Ok(plan)
}

/// Returns the source file and the names of a resource that has a table.
fn find(checkout: &Checkout, name: &str) -> anyhow::Result<(String, Names)> {
    let tables = [name.to_owned(), pluralizer::pluralize(name, 2, false), format!("{name}s")];
    let written = checkout.request(name).map(|(_, request)| request.plural());
    let mut found = written
        .into_iter()
        .chain(tables)
        .filter_map(|table| Some((checkout.source(&table)?.1, table)));
    let (path, things) =
        found.find(|(_, table)| checkout.schema.has_table(table)).with_context(|| {
            format!("nothing was written, because {DOMAINS} does not contain a resource `{name}`")
        })?;
    let source = checkout.read_file(&path)?;
    let value =
        |start: &str, end: &str| Some(source.split_once(start)?.1.split_once(end)?.0.to_owned());
    let unknown = || format!("nothing was written, because {path} does not define a resource");
    let thing = value("\n    name: \"", "\"").with_context(unknown)?;
    let type_name = value("(crate) struct Create", " {").with_context(unknown)?;
    let suffix = if type_name == naming::type_name(&thing) { "" } else { "Item" };
    Ok((path, Names { thing, things, suffix }))
}

/// An up migration and its down migration.
type UpAndDown = (String, String);

/// Returns the migrations that add the field, each with the verb of its file name. No migration locks the table for
/// long, and the released version can use the table after each of the migrations.
fn migrations(resource: &Resource, field: &Field, comment: &str) -> Vec<(&'static str, UpAndDown)> {
    let (things, table) = (&resource.names.things, resource.table());
    let (name, column) = (&field.column, quoted(&field.column));
    let definition = templates::migration::added_column(field, things);
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
    let not_valid = format!(
        "ALTER TABLE {table}\n    DROP CONSTRAINT {constraint},\n    \
         ADD CONSTRAINT {constraint} FOREIGN KEY ({column}) REFERENCES {to} NOT VALID;\n"
    );
    let mut all = vec![
        ("add", (add, drop)),
        ("validate", (validate, not_valid)),
        index("", &format!("{things}_{name}_id_idx"), &format!("{column}, id")),
    ];
    if field.unique {
        all.push(("make_unique", index("UNIQUE ", &format!("{things}_{name}_key"), &column).1));
    }
    all
}
