//! Removes a resource that only this checkout has.

use std::{fs, path::Path};

use anyhow::{Context, bail};
use migration_files::FOLDER;

use crate::{
    Plan,
    add_field::earlier,
    checkout::{Checkout, DOMAINS, Migration, TESTS},
    git,
    new_resource::remove_domain,
    plan::rustfmt,
    register,
    request::{NewResource, Written},
    resource::{Existing, Resource},
    schema, templates,
    words::ident,
};

/// What the removal of a resource does.
#[derive(Debug)]
pub struct Removal {
    /// The files to remove and to change.
    pub plan: Plan,
    /// The number of the first migration of the resource. A database that has it must be rolled back before the files
    /// are removed, because they have the SQL for that.
    pub first_migration: i32,
    /// Files with edits that no commit has.
    pub edited: Vec<String>,
}

/// Plans the removal of a resource.
///
/// # Errors
/// The resource is on the main branch of the remote, or a later migration refers to it.
pub fn remove_resource(root: &Path, name: &str) -> anyhow::Result<Removal> {
    let checkout = Checkout::read(root)?;
    let refused = "nothing was removed, because";
    let (first, request) = checkout.request(name).with_context(|| {
        format!("{refused} no migration was written by `cargo xtask new resource {name}`")
    })?;
    let first = first.number;
    let things = request.plural();
    let source_path = checkout.source(&things).map(|(domain, path)| (domain.to_owned(), path));
    let (domain, path) =
        source_path.with_context(|| format!("{refused} {DOMAINS} has no {things}.rs"))?;
    let source = fs::read_to_string(root.join(&path)).with_context(|| path.clone())?;
    let resource = Resource::new(
        request,
        &checkout,
        &Existing { source: &source, kept: Vec::new(), added: earlier(&checkout, request) },
    )?;
    let is_own = |migration: &Migration| belongs(migration, request);
    let (own, others): (Vec<_>, Vec<_>) =
        checkout.migrations.iter().filter(|it| it.number >= first).partition(|it| is_own(it));
    let tables: Vec<_> = [things.clone()]
        .into_iter()
        .chain(resource.links().into_iter().map(|link| link.table))
        .collect();
    for migration in &own {
        let file = file(migration.number, &migration.name, "sql");
        if is_on_main(root, &file) {
            bail!(
                "{refused} {file} is on the main branch of the remote; write a migration that drops the table instead"
            );
        }
    }
    for migration in &others {
        if let Some(table) = tables.iter().find(|table| Checkout::mentions(migration, table)) {
            let file = file(migration.number, &migration.name, "sql");
            bail!("{refused} {file} refers to `{table}`");
        }
    }

    let mut plan = Plan::new(root);
    let test = checkout.test(&things);
    let mut edited = Vec::new();
    for (path, text) in [(&path, templates::source(&resource)), (&test, templates::test(&resource))]
    {
        if fs::read_to_string(root.join(path))
            .is_ok_and(|ours| rustfmt(root, &text).is_ok_and(|text| text != ours))
        {
            edited.extend(is_uncommitted(root, path).then(|| path.clone()));
        }
        plan.remove(path);
    }
    let library = format!("{DOMAINS}/{domain}/src/lib.rs");
    let api = format!("{}::{}", ident(&things), resource.api_type());
    plan.edit(&library, |text| {
        register::remove_api(&register::remove_module(text, &things)?, &api)
    })?;
    if !plan.text(&library)?.contains("Api::new(") {
        remove_domain(&mut plan, &domain)?;
    }
    let module = test.trim_start_matches(TESTS).trim_matches('/').trim_end_matches(".rs");
    plan.edit(&format!("{TESTS}/main.rs"), |text| register::remove_module(text, module))?;
    remove_migrations(&mut plan, &checkout, first, &is_own)?;
    let mut schema = checkout.schema.clone();
    for table in &tables {
        schema.remove(table);
    }
    plan.add(schema::FILE, schema.text())?;
    Ok(Removal { plan, first_migration: first, edited })
}

/// Returns whether a command wrote the migration for the resource, or it only continues one that a command wrote.
fn belongs(migration: &Migration, resource: &NewResource) -> bool {
    match &migration.written {
        Some(Written::Resource(request)) => request == resource,
        Some(Written::Field(field)) => field.resource == resource.name,
        None => {
            let continues = ["index", "validate", "make_unique"];
            continues
                .iter()
                .any(|verb| migration.name.starts_with(&format!("{verb}_{}_", resource.name)))
        }
    }
}

/// Removes the migrations of the resource, and gives those after it the numbers that become free.
fn remove_migrations(
    plan: &mut Plan,
    checkout: &Checkout,
    first: i32,
    is_own: &dyn Fn(&Migration) -> bool,
) -> anyhow::Result<()> {
    let later = || checkout.migrations.iter().filter(|migration| migration.number >= first);
    for Migration { number, name, .. } in later() {
        for ending in ["sql", "down.sql"] {
            let path = file(*number, name, ending);
            if checkout.exists(&path) {
                plan.remove(path);
            }
        }
    }
    for (number, migration) in (first..).zip(later().filter(|migration| !is_own(migration))) {
        for ending in ["sql", "down.sql"] {
            let before = file(migration.number, &migration.name, ending);
            if let Ok(text) = fs::read_to_string(checkout.root.join(before)) {
                plan.add(file(number, &migration.name, ending), text)?;
            }
        }
    }
    Ok(())
}

fn file(number: i32, name: &str, ending: &str) -> String {
    format!("{FOLDER}/V{number}__{name}.{ending}")
}

/// Returns whether the main branch of the remote has the file.
fn is_on_main(root: &Path, path: &str) -> bool {
    !git::output(root, &["ls-tree", "--name-only", "origin/HEAD", "--", path]).is_empty()
}

fn is_uncommitted(root: &Path, path: &str) -> bool {
    !git::output(root, &["status", "--porcelain", "--untracked-files=all", "--", path]).is_empty()
}
