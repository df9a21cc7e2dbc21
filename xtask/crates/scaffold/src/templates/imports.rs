//! Collects the imports of a resource's source file.

use std::collections::BTreeSet;

use crate::resource::Resource;

/// Returns the imports of the source file. rustfmt sorts them later.
pub(super) fn imports(resource: &Resource) -> String {
    let mut imports: BTreeSet<(&str, &str)> = BTreeSet::new();
    imports.extend(resource.fields.iter().flat_map(|field| field.kind.imports()));
    imports.insert(("web::text", "IdempotencyKey"));
    imports.insert((
        "web::auth",
        if resource.owned { "Reader, Writer" } else { "Admin, Reader, Writer" },
    ));
    imports.extend((!resource.search.is_empty()).then_some(("web::text", "Search")));
    imports.extend(resource.under.is_some().then_some(("web::resource", "Parent")));
    let of = |module: &str| {
        let names = imports
            .iter()
            .filter(|(other, _)| *other == module)
            .map(|(_, name)| format!("{name}, "));
        names.collect::<String>()
    };
    let chrono = match of("chrono") {
        names if names.is_empty() => names,
        names => format!("use chrono::{{{names}}};\n"),
    };
    let json = if of("web::columns").is_empty() { "" } else { "columns::JsonObject, " };
    format!(
        "{chrono}use poem_openapi::{{{}Object, OpenApi, Tags, param::{{Header, Path, Query}}, types::Example}};\n\
         use serde::{{Deserialize, Serialize}};\nuse uuid::Uuid;\n\
         use web::{{AppState, audited, auth::{{{}}}, columns, {json}{}error::ApiError, filters, json::Json, \
         resource::{{{}Created, Deleted, Fetched, Listed, Patch, Queries, Resource, Updated, default_limit}}, \
         text::{{{}}}}};",
        of("poem_openapi"),
        of("web::auth"),
        of("web"),
        of("web::resource"),
        of("web::text"),
    )
}
