//! Plans the files of a new resource.

use std::path::Path;

use anyhow::bail;
use naming::ident;

use crate::{
    Domain, NewResource, Plan,
    checkout::{Checkout, DOMAINS, TESTS},
    register,
    request::stem,
    resource::Resource,
    schema, schema_sql, templates,
};

/// The file that lists the domains.
const ROUTES: &str = "crates/api/src/routes.rs";

/// Returns the plan for the files of a resource, the domain of the resource, and the plural of its name.
///
/// # Errors
/// The request is invalid, or a file that must be edited does not have the expected form.
pub fn new_resource(root: &Path, request: &NewResource) -> anyhow::Result<(Plan, Domain, String)> {
    let checkout = Checkout::read(root)?;
    let resource = Resource::new(request, &checkout)?;
    let things = &resource.names.things;
    let domain = match checkout.domain(request.domain.as_deref(), things) {
        Ok(domain) => domain,
        Err(problem) => bail!("nothing was written, because\n  {problem}"),
    };
    let mut plan = Plan::new(root);
    if domain.is_new {
        add_domain(&mut plan, &domain.name)?;
    }
    let source = format!("{DOMAINS}/{}/src", domain.name);
    plan.add(format!("{source}/{things}.rs"), templates::source(&resource))?;
    let api = format!("{}::{}", ident(things), resource.api_type());
    plan.edit(&format!("{source}/lib.rs"), |text| {
        register::add_api(&register::add_module(text, things)?, &api)
    })?;
    let test = checkout.new_test(things);
    plan.add(&test, templates::test::source(&resource))?;
    let module =
        test.trim_start_matches(TESTS).trim_matches('/').trim_end_matches(".rs").to_owned();
    plan.edit(&format!("{TESTS}/main.rs"), |text| register::add_module(text, &module))?;
    let comment = request.comment(resource.fields.iter().map(ToString::to_string));
    let (up, down) = templates::migration::create(&resource, &comment);
    let stem = stem(checkout.next_number(), &format!("create_{things}"));
    plan.add(format!("{stem}.sql"), up)?;
    plan.add(format!("{stem}.down.sql"), down)?;
    let mut schema = checkout.schema.clone();
    schema_sql::add_resource(&mut schema, &resource);
    plan.add(schema::FILE, schema.text())?;
    Ok((plan, domain, things.clone()))
}

fn add_domain(plan: &mut Plan, name: &str) -> anyhow::Result<()> {
    let (manifest, library) = templates::domain(name);
    plan.add(format!("{DOMAINS}/{name}/Cargo.toml"), manifest)?;
    plan.add(format!("{DOMAINS}/{name}/src/lib.rs"), library)?;
    let [workspace, dependency, extend] = registrations(name);
    plan.edit("Cargo.toml", |text| {
        register::add_sorted(text, "[workspace.dependencies]\n", &workspace)
    })?;
    plan.edit("crates/api/Cargo.toml", |text| {
        register::add_sorted(text, "[dependencies]\n", &dependency)
    })?;
    plan.edit(ROUTES, |text| {
        register::add_after(text, "::apis(state));\n", &format!("    {extend}\n"))
    })
}

/// Plans the removal of a domain without resources.
pub(crate) fn remove_domain(plan: &mut Plan, name: &str) -> anyhow::Result<()> {
    plan.remove(format!("{DOMAINS}/{name}/Cargo.toml"));
    plan.remove(format!("{DOMAINS}/{name}/src/lib.rs"));
    for (path, line) in
        ["Cargo.toml", "crates/api/Cargo.toml", ROUTES].iter().zip(registrations(name))
    {
        plan.edit(path, |text| register::remove_line(text, &line))?;
    }
    Ok(())
}

/// Returns the lines that register a domain in the root `Cargo.toml`, in the `Cargo.toml` of `crates/api`, and in
/// [`ROUTES`].
fn registrations(name: &str) -> [String; 3] {
    [
        format!("{name} = {{ path = \"{DOMAINS}/{name}\" }}"),
        format!("{name}.workspace = true"),
        format!("apis.extend({name}::apis(state));"),
    ]
}
