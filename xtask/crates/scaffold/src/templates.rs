//! Fills the templates of a resource. A `%name%` in a template is a placeholder.

mod imports;
pub(crate) mod migration;
pub(crate) mod test;

use naming::{capital, ident, quoted, words, wrap};

use crate::{
    field::Field,
    kind::Kind,
    names::singular,
    resource::{Link, Resource},
    sql,
};

const RESOURCE: &str = include_str!("templates/resource.rs.template");
const ENUM: &str = include_str!("templates/enum.rs.template");
const DOMAIN: &str = include_str!("templates/domain.rs.template");
const DOMAIN_MANIFEST: &str = include_str!("templates/domain.toml.template");

/// The maximum length of a line of SQL or of a macro call.
const LONGEST_LINE: usize = 100;

/// A template whose placeholders are being filled.
struct Template(String);

impl Template {
    fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Returns the template with the names of the resource filled in.
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

    /// Fills a placeholder. If `text` is empty, removes lines that contain only the placeholder.
    fn fill(self, name: &str, text: &str) -> Self {
        let placeholder = format!("%{name}%");
        if text.is_empty() {
            let lines = self.0.split_inclusive('\n').filter(|line| line.trim() != placeholder);
            return Self(lines.collect::<String>().replace(&placeholder, ""));
        }
        Self(self.0.replace(&placeholder, text))
    }

    fn text(self) -> String {
        debug_assert!(!self.0.contains('%'), "a placeholder is not filled: {}", self.0);
        self.0
    }
}

/// Returns the unformatted source file of a resource.
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
    let deletes = format!("Members can delete their own {many}. Admins can delete all {many}.");
    let each = |line: &dyn Fn(&Field) -> String| {
        resource.fields.iter().map(line).collect::<Vec<_>>().join("\n")
    };
    Template::of(RESOURCE, resource)
        .fill("imports", &imports::imports(resource))
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
                "Replaces all fields. Optional fields missing from the body are removed."
            } else {
                "Replaces all fields."
            },
        )
        .fill("and_null", if has_optional { ", and `null` removes an optional field" } else { "" })
        .fill("Deletes", if own { &deletes } else { "Requires the `admin` role." })
        .fill("Deleter", if own { "Writer" } else { "Admin" })
        .text()
}

/// Returns the functions that provide default values for added fields, which older clients do not send.
pub(crate) fn defaults(resource: &Resource) -> String {
    let defaults = resource.fields.iter().filter_map(|field| {
        let enum_type = resource.enum_type(field);
        let [_, value, _] = field.kind.default(field.default.as_ref()?, enum_type).ok()?;
        let (name, kind) = (&field.column, field.kind.rust_type(enum_type));
        Some(format!("\nfn {name}_default() -> {kind} {{\n    {value}\n}}\n"))
    });
    defaults.collect()
}

/// Returns the line of a field in the example.
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

/// Returns the argument of `columns!` for a field.
pub(crate) fn column(field: &Field) -> String {
    match ident(&field.column) {
        name if name.trim_start_matches("r#") == field.column => name,
        name => format!("{name} as \"{}\"", field.column),
    }
}

/// Returns the arguments of `columns!`: the fields, then the columns that the resource kit fills.
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
        // Breaks long lines here, because rustfmt does not format the arguments of this macro.
        text = wrap(&columns, ",", "    ", 4) + &text[columns.join(", ").len()..];
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

/// Returns the filter arguments of the list operation, and the values to pass to `filters!`.
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
            // Appends an underscore, because code that poem-openapi generates uses the same names.
            _ => format!("{}_", filter.parameter),
        };
        arguments += &format!(
            "        /// Return only {many} with this {}.\n",
            words(&singular(field.base()))
        );
        if name != filter.parameter {
            arguments += &format!("        #[oai(name = \"{}\")]\n", filter.parameter);
        }
        arguments += &format!("        {name}: Query<Option<{kind}>>,\n");
        values.push(format!("{name}.0"));
    }
    if !resource.search.is_empty() {
        arguments += &format!(
            "        /// Return only {many} that match this search. Supports words, \"phrases\", OR and -exclusions.\n"
        );
        arguments += "        q: Query<Option<Search<1, 200>>>,\n";
        values.push("q.0".to_owned());
    }
    (arguments.trim_end().to_owned(), values)
}

/// Returns the `Cargo.toml` and the `lib.rs` of a new domain.
pub(crate) fn domain(name: &str) -> (String, String) {
    let fill =
        |text: &str| Template::new(text).fill("domain", name).fill("label", &words(name)).text();
    (fill(DOMAIN_MANIFEST), fill(DOMAIN))
}
