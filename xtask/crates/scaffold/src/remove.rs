//! Plans the removal of a resource that has not been merged.

use std::{fs, path::Path};

use anyhow::{Context, bail};
use migration_files::FOLDER;
use naming::ident;

use crate::{
    NewResource, Plan,
    checkout::{Checkout, DOMAINS, Migration, TESTS},
    git,
    new_resource::remove_domain,
    register, schema,
};

/// The changes that remove a resource.
#[derive(Debug)]
pub struct Removal {
    /// The files to remove and to change.
    pub plan: Plan,
    /// The number of the first migration of the resource. Databases must be migrated below this number before the
    /// files are removed, because the down migrations are among these files.
    pub first_migration: i32,
    /// The files to remove that have uncommitted changes.
    pub uncommitted: Vec<String>,
}

/// Returns the plan for the removal of a resource.
///
/// # Errors
/// The resource is on the main branch of the remote, or a later migration refers to the resource.
pub fn remove_resource(root: &Path, name: &str) -> anyhow::Result<Removal> {
    let checkout = Checkout::read(root)?;
    let refused = "nothing was removed, because";
    let (first, request) = checkout.request(name).with_context(|| {
        format!("{refused} `cargo xtask new resource {name}` did not write any migration here")
    })?;
    let (first, things) = (first.number, request.plural());
    let source = checkout.source(&things).map(|(domain, path)| (domain.to_owned(), path));
    let (domain, path) =
        source.with_context(|| format!("{refused} {DOMAINS} does not contain {things}.rs"))?;
    let is_own = |migration: &Migration| belongs(migration, request);
    let (own, others): (Vec<_>, Vec<_>) =
        checkout.migrations.iter().filter(|it| it.number >= first).partition(|it| is_own(it));
    let tables: Vec<_> = own.iter().flat_map(|migration| created(&migration.text)).collect();
    for migration in &own {
        let file = file(migration.number, &migration.name, "sql");
        if !git::output(root, &["ls-tree", "--name-only", "origin/HEAD", "--", &file]).is_empty() {
            bail!(
                "{refused} {file} is on the main branch of the remote. Write a migration that drops the table."
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
    let status = ["status", "--porcelain", "--untracked-files=all", "--"];
    let is_uncommitted =
        |path: &&String| !git::output(root, &[&status[..], &[path]].concat()).is_empty();
    let uncommitted = [&path, &test].into_iter().filter(is_uncommitted).cloned().collect();
    plan.remove(&path);
    plan.remove(&test);
    let library = format!("{DOMAINS}/{domain}/src/lib.rs");
    plan.edit(&library, |text| {
        register::remove_api(&register::remove_module(text, &things)?, &ident(&things))
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
    Ok(Removal { plan, first_migration: first, uncommitted })
}

/// Returns whether the migration was generated for this resource.
fn belongs(migration: &Migration, resource: &NewResource) -> bool {
    let name = &resource.name;
    let continues = ["index", "validate", "make_unique"];
    migration.request.as_ref() == Some(resource)
        || migration.text.starts_with(&format!("-- cargo xtask new field {name} "))
        || continues.iter().any(|verb| migration.name.starts_with(&format!("{verb}_{name}_")))
}

/// Returns the tables that a migration creates.
fn created(migration: &str) -> impl Iterator<Item = String> {
    let tables =
        migration.lines().filter_map(|line| line.strip_prefix("CREATE TABLE ")?.strip_suffix(" ("));
    tables.map(|table| table.trim_matches('"').to_owned())
}

/// Removes the migrations of the resource and renumbers the later migrations.
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
