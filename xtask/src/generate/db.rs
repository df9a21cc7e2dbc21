//! The statements, and the rows that they store and find.

use super::{
    Changes, Field, Kind, Resource,
    names::type_name,
    template::{Template, capital, with_article},
};

const MODULE: &str = include_str!("templates/db.rs.template");
const TYPES: &str = include_str!("templates/db_types.rs.template");
const ENUM: &str = include_str!("templates/db_enum.rs.template");
/// Lines of SQL are no longer.
const WIDTH: usize = 90;

pub(super) fn write(resource: &Resource, changes: &mut Changes) {
    let things = resource.names.things();
    changes.add(format!("crates/db/src/{things}.rs"), statements(resource));
    changes.add(format!("crates/db/src/{things}/types.rs"), types(resource));
    for (field, values) in resource.enums() {
        let text = enum_file(field, values, resource);
        changes.add(format!("crates/db/src/{things}/{}.rs", field.name), text);
    }
}

fn statements(resource: &Resource) -> String {
    let names = &resource.names;
    let columns = list(resource, |field| match field.kind {
        Kind::Numeric { .. } | Kind::Jsonb => format!("{0}::text AS {0}", field.name),
        _ => field.name.clone(),
    });
    let columns = wrap(&format!("id, {columns}, version, created_at, updated_at"), "");
    let names_of_columns = list(resource, |field| field.name.clone());
    let (mut values, mut assignments) = (vec!["$1".to_owned()], Vec::new());
    for (field, number) in resource.fields.iter().zip(2..) {
        let value = value(field, number);
        assignments.push(format!("{} = {value}", field.name));
        values.push(value);
    }
    assignments.push("version = version + 1, updated_at = now()".to_owned());
    let text = Template::new(MODULE, names)
        .fill("enum_modules", &enums(resource, |field| format!("mod {};", field.name)))
        .fill(
            "enum_uses",
            &enums(resource, |field| {
                format!("pub use {}::{};", field.name, field.enum_type(names))
            }),
        )
        .fill("types", &exported(resource))
        .fill("columns", &columns)
        .fill("names", &wrap(&format!("id, {names_of_columns}"), "    "))
        .fill("values", &wrap(&values.join(", "), "    "))
        .fill("assignments", &wrap(&assignments.join(", "), "    "))
        .fill("arguments", &list(resource, |field| argument(field, resource)))
        .fill("reads", &resource.each(|field| read(field, resource)));
    errors(resource, filters(resource, text)).text()
}

fn types(resource: &Resource) -> String {
    let date = resource.has(|kind| *kind == Kind::Date);
    let enums: Vec<_> =
        resource.enums().map(|(field, _)| field.enum_type(&resource.names)).collect();
    let enums = match enums.as_slice() {
        [] => String::new(),
        [one] => format!("use super::{one};"),
        many => format!("use super::{{{}}};", many.join(", ")),
    };
    Template::new(TYPES, &resource.names)
        .fill("chrono", if date { "DateTime, NaiveDate, Utc" } else { "DateTime, Utc" })
        .fill("enum_types", &enums)
        .fill("constants", &constants(resource))
        .fill("filter", &filter(resource))
        .fill("fields", &resource.each(|field| struct_field(field, resource)))
        .text()
}

/// Everything that callers need of the types.
fn exported(resource: &Resource) -> String {
    let thing = resource.names.thing_type();
    let mut names = vec![thing.clone(), format!("New{thing}")];
    if !resource.filters().is_empty() {
        names.push("Filter".to_owned());
    }
    for field in &resource.fields {
        let name = field.name.to_uppercase();
        names.extend(field.unique.then(|| format!("{name}_KEY")));
        names.extend(matches!(field.kind, Kind::Ref(_)).then(|| format!("{name}_FKEY")));
    }
    names.join(", ")
}

fn enums(resource: &Resource, line: impl Fn(&Field) -> String) -> String {
    resource.enums().map(|(field, _)| line(field)).collect::<Vec<_>>().join("\n")
}

fn list(resource: &Resource, item: impl FnMut(&Field) -> String) -> String {
    resource.fields.iter().map(item).collect::<Vec<_>>().join(", ")
}

/// A list in lines that are not too long.
fn wrap(list: &str, indent: &str) -> String {
    let mut lines = vec![String::new()];
    for item in list.split(", ") {
        let line = lines.last_mut().expect("there is one");
        if line.is_empty() {
            *line = format!("{indent}{item}");
        } else if line.len() + item.len() < WIDTH {
            *line += &format!(", {item}");
        } else {
            *line += ",";
            lines.push(format!("{indent}{item}"));
        }
    }
    lines.join("\n")
}

/// A placeholder; what this crate passes on as text gets its type in PostgreSQL.
fn value(field: &Field, number: usize) -> String {
    match field.kind {
        Kind::Numeric { .. } => format!("${number}::text::numeric"),
        Kind::Jsonb => format!("${number}::text::jsonb"),
        _ => format!("${number}"),
    }
}

fn struct_field(field: &Field, resource: &Resource) -> String {
    let (label, kind) = (capital(&field.label()), rust_type(field, resource));
    let about = match &field.kind {
        Kind::Text { max } => format!("1 to {max} characters"),
        Kind::Numeric { digits, scale } => format!(
            "a decimal number with {} digits before the point and {scale} after it",
            digits - scale
        ),
        Kind::Jsonb => "a JSON object, as text".to_owned(),
        Kind::Ref(parent) => format!("the id of {}", with_article(&parent.one)),
        Kind::Timestamptz => "a time, to the microsecond".to_owned(),
        Kind::Date => "a day".to_owned(),
        Kind::Uuid => "a UUID".to_owned(),
        Kind::Int | Kind::Bigint => "a whole number".to_owned(),
        Kind::Bool => "yes or no".to_owned(),
        Kind::Enum(_) => "one of a few values".to_owned(),
    };
    format!("/// {label}: {about}.\npub {}: {},", field.name, field.wrap(&kind))
}

fn rust_type(field: &Field, resource: &Resource) -> String {
    match field.kind {
        Kind::Text { .. } | Kind::Numeric { .. } | Kind::Jsonb => "String".to_owned(),
        Kind::Int => "i32".to_owned(),
        Kind::Bigint => "i64".to_owned(),
        Kind::Bool => "bool".to_owned(),
        Kind::Uuid | Kind::Ref(_) => "Uuid".to_owned(),
        Kind::Date => "NaiveDate".to_owned(),
        Kind::Timestamptz => "DateTime<Utc>".to_owned(),
        Kind::Enum(_) => field.enum_type(&resource.names),
    }
}

fn argument(field: &Field, resource: &Resource) -> String {
    let name = &field.name;
    match field.kind {
        Kind::Enum(_) if field.optional => {
            format!("&new.{name}.map({}::as_str)", field.enum_type(&resource.names))
        }
        Kind::Enum(_) => format!("&new.{name}.as_str()"),
        _ => format!("&new.{name}"),
    }
}

fn read(field: &Field, resource: &Resource) -> String {
    let name = &field.name;
    let kind = field.enum_type(&resource.names);
    match field.kind {
        Kind::Enum(_) if field.optional => {
            format!("{name}: row.get::<_, Option<&str>>(\"{name}\").map({kind}::read),")
        }
        Kind::Enum(_) => format!("{name}: {kind}::read(row.get(\"{name}\")),"),
        _ => format!("{name}: row.get(\"{name}\"),"),
    }
}

/// The names of constraints by which callers tell errors apart.
fn constants(resource: &Resource) -> String {
    let table = resource.names.things();
    let constant = |name: &str, suffix: &str, about: &str| {
        let key = format!("{name}_{suffix}");
        format!("/// {about}.\npub const {}: &str = \"{table}_{key}\";\n", key.to_uppercase())
    };
    let mut text = String::new();
    for field in &resource.fields {
        let (name, label) = (&field.name, field.label());
        if field.unique {
            let about = format!("No two {} have the same {label}", resource.names.many());
            text += &constant(name, "key", &about);
        }
        if let Kind::Ref(parent) = &field.kind {
            text +=
                &constant(name, "fkey", &format!("The {label} is {}", with_article(&parent.one)));
        }
    }
    text
}

fn errors(resource: &Resource, template: Template) -> Template {
    let unique = resource.fields.iter().any(|field| field.unique);
    let reference = resource.has(|kind| matches!(kind, Kind::Ref(_)));
    let errors = match (unique, reference) {
        (true, true) => "[`Error::Duplicate`] or [`Error::Reference`] with a constraint above",
        (true, false) => "[`Error::Duplicate`] with a constraint above",
        (false, true) => "[`Error::Reference`] with a constraint above",
        (false, false) => return template.fill("errors", "").fill("further_errors", ""),
    };
    template
        .fill("errors", &format!("\n///\n/// # Errors\n/// {errors}."))
        .fill("further_errors", &format!(", {errors}"))
}

/// What narrows a list.
fn filter(resource: &Resource) -> String {
    let field = |field: &&Field| {
        let kind = rust_type(field, resource);
        format!("/// With this {}.\npub {}: Option<{kind}>,\n", field.label(), field.name)
    };
    let fields: String = resource.filters().iter().map(field).collect();
    if fields.is_empty() {
        return fields;
    }
    format!(
        "/// Which {} to list; what is absent does not narrow the list.\n\
         #[derive(Debug, Clone, Default)]\npub struct Filter {{\n{fields}}}",
        resource.names.many()
    )
}

fn filters(resource: &Resource, template: Template) -> Template {
    let (mut conditions, mut arguments) = (String::new(), String::new());
    for (field, number) in resource.filters().iter().zip(3..) {
        let name = &field.name;
        let (sql, value) = match field.kind {
            Kind::Enum(_) => {
                ("text", format!("filter.{name}.map({}::as_str)", rust_type(field, resource)))
            }
            _ => ("uuid", format!("filter.{name}")),
        };
        conditions += &format!("\n    AND (${number}::{sql} IS NULL OR {name} = ${number})");
        arguments += &format!(", &{value}");
    }
    let has_some = !arguments.is_empty();
    template
        .fill("conditions", &conditions)
        .fill("filter_arguments", &arguments)
        .fill("filter_parameter", if has_some { "filter: &Filter," } else { "" })
        .fill("that_pass", if has_some { " that pass `filter`," } else { "" })
}

fn enum_file(field: &Field, values: &[String], resource: &Resource) -> String {
    let variant = |value: &String| {
        format!("/// {}.\n{},", capital(&value.replace('_', " ")), type_name(value))
    };
    let spelling = |value: &String| format!("Self::{} => \"{value}\",", type_name(value));
    let (last, others) = values.split_last().expect("an enum has values");
    let readings = others.iter().map(|value| format!("\"{value}\" => Self::{},", type_name(value)));
    let readings = readings.chain([
        "// A constraint lets no other one in.".to_owned(),
        format!("_ => Self::{},", type_name(last)),
    ]);
    Template::new(ENUM, &resource.names)
        .fill("Enum", &field.enum_type(&resource.names))
        .fill("label", &field.label())
        .fill("variants", &lines(values.iter().map(variant)))
        .fill("spellings", &lines(values.iter().map(spelling)))
        .fill("readings", &lines(readings))
        .text()
}

fn lines(lines: impl Iterator<Item = String>) -> String {
    lines.collect::<Vec<_>>().join("\n")
}
