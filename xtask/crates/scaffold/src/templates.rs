//! Templates: text with `%holes%`, and how the files of a resource are made from them.

use std::collections::BTreeSet;

use crate::{
    checkout::Parent,
    field::Field,
    kind::Kind,
    names::singular,
    resource::{Link, Resource},
    sql,
    words::{capital, ident, quoted, words},
};

const RESOURCE: &str = include_str!("templates/resource.rs.template");
const ENUM: &str = include_str!("templates/enum.rs.template");
const MIGRATION: &str = include_str!("templates/migration.sql.template");
const TEST: &str = include_str!("templates/test.rs.template");
const SEARCH_TEST: &str = include_str!("templates/search_test.rs.template");
const DOMAIN: &str = include_str!("templates/domain.rs.template");
const DOMAIN_MANIFEST: &str = include_str!("templates/domain.toml.template");

/// The types that a resource's file can name, which no type of the resource may hide.
pub(crate) const IMPORTED: [&str; 38] = [
    "Admin",
    "ApiError",
    "AppState",
    "Created",
    "DateTime",
    "Decimal",
    "Deleted",
    "Deserialize",
    "EmailAddress",
    "Enum",
    "Example",
    "Fetched",
    "Header",
    "IdempotencyKey",
    "Json",
    "JsonObject",
    "Line",
    "Listed",
    "NaiveDate",
    "NaiveTime",
    "Object",
    "OpenApi",
    "Option",
    "Parent",
    "Patch",
    "Path",
    "Queries",
    "Query",
    "Reader",
    "Resource",
    "Result",
    "Search",
    "Serialize",
    "String",
    "Tag",
    "Tags",
    "Updated",
    "Url",
];
/// A longer line of SQL or of a macro is broken.
const LONGEST_LINE: usize = 100;

struct Template(String);

impl Template {
    fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Fills in the names of the resource.
    fn of(text: &str, resource: &Resource) -> Self {
        let names = &resource.names;
        Self::new(text)
            .fill("Thing", &names.thing_type())
            .fill("Things", &names.things_type())
            .fill("thing", &names.thing)
            .fill("things", &names.things)
            .fill("table", &resource.table())
            .fill("Api", &resource.api_type())
            .fill("path", &resource.path())
            .fill("one", &names.one())
            .fill("many", &names.many())
            .fill("Many", &capital(&names.many()))
            .fill("a_one", &names.a_one())
    }

    /// Fills a hole. A line that consists of a hole without text goes.
    fn fill(self, hole: &str, text: &str) -> Self {
        let hole = format!("%{hole}%");
        if text.is_empty() {
            let lines = self.0.split_inclusive('\n').filter(|line| line.trim() != hole);
            return Self(lines.collect::<String>().replace(&hole, ""));
        }
        Self(self.0.replace(&hole, text))
    }

    fn text(self) -> String {
        debug_assert!(!self.0.contains('%'), "a hole is left: {}", self.0);
        self.0
    }
}

/// The source file of a resource, before rustfmt.
pub(crate) fn source(resource: &Resource) -> String {
    let scope = match (&resource.under, resource.owned) {
        (Some(parent), true) => format!(".under({}.0).owned_by(&caller)", ident(&parent.column)),
        (Some(parent), false) => format!(".under({}.0)", ident(&parent.column)),
        (None, true) => ".owned_by(&caller)".to_owned(),
        (None, false) => String::new(),
    };
    let parent = resource.under.as_ref().map(|parent| {
        format!(
            "        /// The id of the {}.\n        {}: Path<Uuid>,",
            parent.one,
            ident(&parent.column)
        )
    });
    let (filters, values) = filters(resource);
    let has_optional = resource.fields.iter().any(|field| field.optional);
    let (many, own) = (resource.names.many(), resource.owned);
    let deletes = format!("Members can delete their own {many}, admins all of them.");
    let each = |line: &dyn Fn(&Field) -> String| {
        resource.fields.iter().map(line).collect::<Vec<_>>().join("\n")
    };
    Template::of(RESOURCE, resource)
        .fill("imports", &imports(resource))
        .fill("fields", &each(&|field| struct_field(field, resource)))
        .fill("columns", &columns(resource))
        .fill("enums", &enums(resource))
        .fill("defaults", &defaults(resource))
        .fill("examples", &each(&|field| example(field, resource)))
        .fill("queries", queries(resource).trim_end())
        .fill("_caller", if own { "caller" } else { "_caller" })
        .fill("parent", &parent.unwrap_or_default())
        .fill("filters", &filters)
        .fill("filter_values", &values.join(", "))
        .fill("scope", &scope)
        .fill(
            "Replaces",
            if has_optional {
                "Removes optional fields that the body does not have."
            } else {
                "Replaces all fields."
            },
        )
        .fill("and_null", if has_optional { ", `null` removes an optional field" } else { "" })
        .fill("Deletes", if own { &deletes } else { "Requires an admin." })
        .fill("Deleter", if own { "Writer" } else { "Admin" })
        .text()
}

/// The functions that return the values of fields which older clients do not send.
pub(crate) fn defaults(resource: &Resource) -> String {
    let defaults = resource.fields.iter().filter_map(|field| {
        let enum_type = resource.enum_type(field);
        let [_, value, _] = field.kind.default(field.default.as_ref()?, enum_type).ok()?;
        let (name, kind) = (&field.column, field.kind.rust_type(enum_type));
        Some(format!("\nfn {name}_default() -> {kind} {{\n    {value}\n}}\n"))
    });
    defaults.collect()
}

/// The line of a field in the example.
pub(crate) fn example(field: &Field, resource: &Resource) -> String {
    let value = field.kind.example(&words(field.base()), resource.enum_type(field));
    let value = if field.optional { format!("Some({value})") } else { value };
    format!("            {}: {value},", ident(&field.column))
}

pub(crate) fn struct_field(field: &Field, resource: &Resource) -> String {
    let name = ident(&field.column);
    let doc = field.kind.doc(&field.name, field.base(), &resource.names);
    let unique = if field.unique { ", which is unique" } else { "" };
    let mut text = format!("    /// {doc}{unique}.\n");
    let mut openapi: Vec<String> = field.kind.validator().map(str::to_owned).into_iter().collect();
    if name.trim_start_matches("r#") != field.column {
        text += &format!("    #[serde(rename = \"{}\")]\n", field.column);
        openapi.push(format!("rename = \"{}\"", field.column));
    }
    if field.is_added && !field.optional {
        let function = field
            .default
            .as_ref()
            .map_or_else(String::new, |_| format!(" = \"{}_default\"", field.column));
        text += &format!("    #[serde(default{function})]\n");
        openapi.push(format!("default{function}"));
    }
    if field.optional {
        text += "    #[serde(skip_serializing_if = \"Option::is_none\")]\n";
    }
    if !openapi.is_empty() {
        text += &format!("    #[oai({})]\n", openapi.join(", "));
    }
    let kind = field.kind.rust_type(resource.enum_type(field));
    let kind = if field.optional { format!("Option<{kind}>") } else { kind };
    text + &format!("    {name}: {kind},")
}

/// A field in the arguments of `columns!`.
pub(crate) fn column(field: &Field) -> String {
    match ident(&field.column) {
        name if name.trim_start_matches("r#") == field.column => name,
        name => format!("{name} as \"{}\"", field.column),
    }
}

/// The arguments of `columns!`: the fields, and what the kit fills.
fn columns(resource: &Resource) -> String {
    let columns: Vec<_> = resource.fields.iter().map(column).collect();
    let mut text = columns.join(", ");
    if let Some(parent) = &resource.under {
        text += &format!("; under {}", ident(&parent.column));
    }
    if resource.owned {
        text += "; owned";
    }
    if text.len() + resource.names.thing.len() + 20 > LONGEST_LINE {
        // rustfmt does not break the lines of this macro.
        text = sql::wrap(&columns, ",", "    ", 4) + &text[columns.join(", ").len()..];
        return format!("\n    {text}\n");
    }
    text
}

pub(crate) fn enums(resource: &Resource) -> String {
    let mut text = String::new();
    for field in &resource.fields {
        let Kind::Enum(variants) = &field.kind else { continue };
        let variants = variants.iter().map(|variant| {
            let rename = format!(
                "    #[serde(rename = {0:?})]\n    #[oai(rename = {0:?})]\n",
                variant.value
            );
            let rename = if variant.is_plain() { "" } else { &rename };
            format!("    /// {}.\n{rename}    {},", variant.doc(), variant.name)
        });
        text += &Template::of(ENUM, resource)
            .fill("Enum", resource.enum_type(field))
            .fill("label", &words(field.base()))
            .fill("variants", &variants.collect::<Vec<_>>().join("\n"))
            .text();
    }
    text
}

fn queries(resource: &Resource) -> String {
    let mut text = sql::queries(resource);
    if let Some(parent) = &resource.under {
        let exists = format!(
            "-- {}.parent\nSELECT true FROM {} WHERE id = $1",
            resource.names.things,
            quoted(&parent.table)
        );
        let exists = sql::literal(&exists);
        text += &format!(
            "    parent: Some(Parent {{ name: \"{}\", exists: {exists} }}),\n",
            parent.one
        );
    }
    let constraints = resource.links().into_iter().map(|Link { table, other, column, .. }| {
        format!("(\"{table}_{other}_fkey\", \"{column}\", \"refers to nothing\")")
    });
    let constraints: Vec<_> = constraints.collect();
    if !constraints.is_empty() {
        text += &format!("    constraints: &[{}],\n", constraints.join(", "));
    }
    text
}

/// The arguments of the list that filter it, and their values.
pub(crate) fn filters(resource: &Resource) -> (String, Vec<String>) {
    let (mut arguments, mut values) = (String::new(), Vec::new());
    let many = resource.names.many();
    for filter in resource.filters() {
        let field = filter.field;
        let kind = match field.kind {
            Kind::Enum(_) => resource.enum_type(field),
            _ => "Uuid",
        };
        let is_internal = ["_caller", "caller"].contains(&filter.parameter.as_str());
        let name = match ident(&filter.parameter) {
            name if name == filter.parameter && !is_internal => name,
            // poem-openapi uses the name of the argument for more than the argument.
            _ => format!("{}_", filter.parameter),
        };
        arguments +=
            &format!("        /// Only {many} with this {}.\n", words(&singular(field.base())));
        if name != filter.parameter {
            arguments += &format!("        #[oai(name = \"{}\")]\n", filter.parameter);
        }
        arguments += &format!("        {name}: Query<Option<{kind}>>,\n");
        values.push(format!("{name}.0"));
    }
    if !resource.search.is_empty() {
        arguments += &format!(
            "        /// Only {many} that match this search: words, \"phrases\", OR and -exclusions.\n"
        );
        arguments += "        q: Query<Option<Search<1, 200>>>,\n";
        values.push("q.0".to_owned());
    }
    (arguments.trim_end().to_owned(), values)
}

/// The imports that a type needs: modules and names.
pub(crate) fn imports_of(kind: &Kind) -> &'static [(&'static str, &'static str)] {
    match kind {
        Kind::Text { .. } | Kind::TextArray { .. } => &[("web::text", "Line")],
        Kind::Numeric { .. } => &[("web::text", "Decimal")],
        Kind::Email => &[("web::text", "EmailAddress")],
        Kind::Url => &[("web::text", "Url")],
        Kind::Uuid | Kind::Ref(_) | Kind::Many(_) => &[("web", "examples")],
        Kind::Date => &[("chrono", "NaiveDate"), ("web", "examples")],
        Kind::Time => &[("chrono", "NaiveTime"), ("web", "examples")],
        Kind::Timestamptz => &[("chrono", "DateTime"), ("chrono", "Utc"), ("web", "examples")],
        Kind::Jsonb => &[("web::columns", "JsonObject")],
        Kind::Enum(_) => &[("poem_openapi", "Enum"), ("web", "enum_column")],
        Kind::Int | Kind::Bigint | Kind::Float | Kind::Bool => &[],
    }
}

/// The imports of the source file, which rustfmt sorts.
fn imports(resource: &Resource) -> String {
    let mut imports: BTreeSet<(&str, &str)> = BTreeSet::new();
    imports.extend(resource.fields.iter().flat_map(|field| imports_of(&field.kind)));
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

/// The test file of a resource, before rustfmt.
pub(crate) fn test(resource: &Resource) -> String {
    let (things, parent) = (resource.names.path(), resource.under.as_ref());
    let path = parent.map_or_else(
        || format!("/{things}"),
        |Parent { path, column, .. }| format!("/{path}/{{{column}}}/{things}"),
    );
    let with_path = |text: &str| Template::of(&text.replace("%path%", &path), resource);
    let property = |(name, value): (&str, String)| format!("\"{name}\": {value}");
    let fields = resource.fields.iter();
    let fields = fields
        .filter_map(|field| Some((field.column.as_str(), field.kind.json(&words(field.base()))?)));
    let text =
        with_path(TEST).fill("fields", &fields.map(property).collect::<Vec<_>>().join(", ")).text();
    if resource.search.is_empty() {
        return text;
    }
    let found =
        resource.fields.iter().filter(|field| resource.search.contains(&field.column)).zip(1..);
    let found = found.map(|(field, number)| {
        let word = format!("needle{number}");
        let (value, word) = match field.kind {
            Kind::Email => (format!("ada@{word}.example"), format!("ada@{word}.example")),
            Kind::Url => (format!("https://{word}.example/"), format!("{word}.example")),
            _ => (word.clone(), word),
        };
        (property((&field.column, format!("{value:?}"))), format!("{word:?}"))
    });
    let (fields, words): (Vec<_>, Vec<_>) = found.unzip();
    let list = match parent {
        Some(Parent { path, column, .. }) => format!(
            "format!(\"/{path}/{{}}/{things}?q={{word}}\", created[\"{column}\"].as_str().expect(\"an id\"))"
        ),
        None => format!("format!(\"/{things}?q={{word}}\")"),
    };
    let search =
        with_path(SEARCH_TEST).fill("fields", &fields.join(", ")).fill("words", &words.join(", "));
    text + &search.fill("list", &list).text()
}

/// The migration that creates the tables of a resource, and the one that drops them.
pub(crate) fn migration(resource: &Resource, comment: &str) -> (String, String) {
    let (things, table) = (&resource.names.things, resource.table());
    let mut columns = Vec::new();
    let parent =
        resource.under.iter().map(|parent| (parent.column.as_str(), parent.table.as_str()));
    for (column, to) in parent.chain(resource.owned.then_some(("owner_id", "accounts"))) {
        let to = quoted(to);
        columns.push(format!("    {column} uuid NOT NULL CONSTRAINT {things}_{column}_fkey REFERENCES {to} ON DELETE CASCADE,"));
    }
    let stored = || resource.fields.iter().filter(|field| field.kind.is_column());
    columns.extend(stored().map(|field| format!("    {},", definition(field, things))));
    let mut text = Template::of(MIGRATION, resource)
        .fill("comment", comment)
        .fill("columns", &columns.join("\n"))
        .text()
        .replace("\n\n", "\n");
    let scope = resource.scope_columns();
    let references = stored().filter(|field| !field.unique && matches!(field.kind, Kind::Ref(_)));
    for column in scope.into_iter().chain(references.map(|field| quoted(&field.column))) {
        let name = format!("{things}_{}_id_idx", column.trim_matches('"'));
        text += &format!("\nCREATE INDEX {name} ON {table} ({column}, id);\n");
    }
    if !resource.search.is_empty() {
        let document = resource.search_document();
        text += &format!("\nCREATE INDEX {things}_search_idx ON {table} USING gin ({document});\n");
    }
    let mut down = String::new();
    for field in resource.fields.iter().filter(|field| matches!(field.kind, Kind::Many(_))) {
        let (up, undo) = link(resource, field);
        text += &format!("\n{up}");
        down += &undo;
    }
    (text, down + &format!("DROP TABLE {table};\n"))
}

/// The table of a field `many(..)`, and what drops it.
pub(crate) fn link(resource: &Resource, field: &Field) -> (String, String) {
    let Link { table, own, other, .. } = resource.link(field);
    let Kind::Many(target) = &field.kind else { return Default::default() };
    let (from, to) = (resource.table(), quoted(&target.table));
    let up = format!(
        "CREATE TABLE {table} (\n    \
         {own} uuid NOT NULL CONSTRAINT {table}_{own}_fkey REFERENCES {from} ON DELETE CASCADE,\n    \
         {other} uuid NOT NULL CONSTRAINT {table}_{other}_fkey REFERENCES {to} ON DELETE CASCADE,\n    \
         CONSTRAINT {table}_pkey PRIMARY KEY ({own}, {other})\n);\n\n\
         CREATE INDEX {table}_{other}_idx ON {table} ({other});\n"
    );
    (up, format!("DROP TABLE {table};\n"))
}

/// A column as `CREATE TABLE` and `ADD COLUMN` define it.
fn definition(field: &Field, things: &str) -> String {
    let name = &field.column;
    let mut parts = vec![format!("{} {}", quoted(name), field.kind.sql_type())];
    parts[0] += if field.optional { "" } else { " NOT NULL" };
    if let Some(check) = field.kind.check(name) {
        parts.push(format!("CONSTRAINT {things}_{name}_{} {}", check.suffix, check.rule));
    }
    if let Kind::Ref(target) = &field.kind {
        parts.push(format!("CONSTRAINT {things}_{name}_fkey REFERENCES {}", quoted(&target.table)));
    }
    if field.unique {
        parts.push(format!("CONSTRAINT {things}_{name}_key UNIQUE"));
    }
    let line = parts.join(" ");
    if line.len() < LONGEST_LINE { line } else { parts.join("\n        ") }
}

/// The definition of a column that is added to a table with rows: without what would lock the table for long.
pub(crate) fn added_column(field: &Field, things: &str) -> String {
    let default = field.default.as_ref().and_then(|value| field.kind.default(value, "").ok());
    let mut field = field.clone();
    field.unique = false;
    if let Kind::Ref(_) = field.kind {
        field.kind = Kind::Uuid;
    }
    let text = definition(&field, things);
    match default {
        Some([value, ..]) => text.replacen(" NOT NULL", &format!(" NOT NULL DEFAULT {value}"), 1),
        None => text,
    }
}

/// The manifest and the library of a new domain.
pub(crate) fn domain(name: &str) -> (String, String) {
    let fill =
        |text: &str| Template::new(text).fill("domain", name).fill("label", &words(name)).text();
    (fill(DOMAIN_MANIFEST), fill(DOMAIN))
}
