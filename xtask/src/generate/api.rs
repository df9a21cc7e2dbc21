//! The operations, and what the resource looks like in requests and answers.

pub(super) mod values;

use super::{
    Changes, Field, Kind, Resource,
    names::type_name,
    template::{Template, capital, with_article},
};

const MODULE: &str = include_str!("templates/api.rs.template");
const RESPONSES: &str = include_str!("templates/api_responses.rs.template");
const TYPES: &str = include_str!("templates/api_types.rs.template");
/// What fields of JSON need.
const OBJECTS: &str = "use crate::objects::{self, AnyObject};";
const ENUM: &str = include_str!("templates/api_enum.rs.template");
const CREATE: &str = include_str!("templates/api_create.rs.template");
const UPDATE: &str = include_str!("templates/api_update.rs.template");

pub(super) fn write(resource: &Resource, changes: &mut Changes) {
    let folder = format!("crates/api/src/{}", resource.names.things());
    changes.add(format!("{folder}.rs"), operations(resource));
    let responses = Template::new(RESPONSES, &resource.names).text();
    changes.add(format!("{folder}/responses.rs"), responses);
    changes.add(format!("{folder}/types.rs"), types(resource));
    changes.add(format!("{folder}/types/create.rs"), create(resource));
    changes.add(format!("{folder}/types/update.rs"), update(resource));
    for (field, values) in resource.enums() {
        let text = enum_file(field, values, resource);
        changes.add(format!("{folder}/types/{}.rs", field.name), text);
    }
}

fn operations(resource: &Resource) -> String {
    let filters = resource.filters();
    let (mut types, mut parameters, mut values) = (String::new(), String::new(), Vec::new());
    for field in &filters {
        let (name, kind) = (&field.name, values::kind(field, resource));
        let about = format!("Only {} with this {}.", resource.names.many(), field.label());
        parameters += &format!("/// {about}\n{name}: Query<Option<{kind}>>,\n");
        if let Kind::Enum(_) = field.kind {
            types += &format!(", {kind}");
            values.push(format!("{name}: {name}.0.map(Into::into)"));
        } else {
            values.push(format!("{name}: {name}.0"));
        }
    }
    let has_filters = !filters.is_empty();
    let filter = format!("let filter = rows::Filter {{ {} }};", values.join(", "));
    let refused = refused(resource);
    let or_nothing = |text: &str, is: bool| if is { text.to_owned() } else { String::new() };
    let has_optional = resource.optional().next().is_some();
    Template::new(MODULE, &resource.names)
        .fill("filter_types", &types)
        .fill("filter_parameters", parameters.trim_end())
        .fill("filter", &or_nothing(&filter, has_filters))
        .fill("filter_argument", &or_nothing("&filter, ", has_filters))
        .fill("same_filters", if has_filters { ", with the same filters," } else { "," })
        .fill("field_error", &or_nothing(", FieldError", !refused.is_empty()))
        .fill("map_refused", &or_nothing(".map_err(refused)", !refused.is_empty()))
        .fill("null_removes", &or_nothing(", and `null` removes", has_optional))
        .fill("refused", &refused)
        .text()
}

/// The function that tells which value a constraint has refused, if there is such a constraint.
fn refused(resource: &Resource) -> String {
    let mut arms = String::new();
    for field in &resource.fields {
        let (name, constant) = (&field.name, field.name.to_uppercase());
        let mut arm = |case: &str, suffix: &str, detail: &str| {
            arms += &format!(
                "db::Error::{case} {{ constraint }} if constraint == rows::{constant}_{suffix} => {{
                    (\"/{name}\", \"{detail}\")
                }}\n"
            );
        };
        if field.unique {
            arm("Duplicate", "KEY", &format!("another {} has it", resource.names.one()));
        }
        if let Kind::Ref(parent) = &field.kind {
            arm("Reference", "FKEY", &format!("there is no such {}", parent.one));
        }
    }
    if arms.is_empty() {
        return arms;
    }
    let arms = arms.trim_end();
    format!(
        "/// Which value was refused, and why.
        fn refused(error: db::Error) -> ApiError {{
            let (pointer, detail) = match &error {{
                {arms}
                _ => return error.into(),
            }};
            ApiError::Conflict(vec![FieldError::new(pointer.to_owned(), detail)])
        }}"
    )
}

fn types(resource: &Resource) -> String {
    let names = &resource.names;
    let has_date = resource.has(|kind| *kind == Kind::Date);
    let has_objects = resource.has(|kind| *kind == Kind::Jsonb);
    let field = |field: &Field| {
        let skip = "#[serde(skip_serializing_if = \"Option::is_none\")]\n";
        format!(
            "/// {}\n{}{}: {},",
            about(field),
            if field.optional { skip } else { "" },
            field.name,
            field.wrap(&values::kind(field, resource))
        )
    };
    let enums = |line: &dyn Fn(&Field) -> String| {
        let enums = resource.fields.iter().filter(|field| matches!(field.kind, Kind::Enum(_)));
        enums.map(line).collect::<Vec<_>>().join("\n")
    };
    let example = |field: &Field| {
        format!("{}: {},", field.name, field.some(&values::answered(field, resource)))
    };
    Template::new(TYPES, names)
        .fill("enum_modules", &enums(&|field| format!("mod {};", field.name)))
        .fill(
            "enum_uses",
            &enums(&|field| format!("pub(super) use {}::{};", field.name, field.enum_type(names))),
        )
        .fill("chrono", if has_date { "DateTime, NaiveDate, Utc" } else { "DateTime, Utc" })
        .fill("objects", if has_objects { OBJECTS } else { "" })
        .fill("fields", &resource.each(field))
        .fill("examples", &resource.each(example))
        .fill("conversions", &resource.each(|field| values::from_stored(field, resource)))
        .text()
}

fn create(resource: &Resource) -> String {
    let field = |field: &Field| {
        let skip = "#[serde(skip_serializing_if = \"Option::is_none\")]\n";
        let validator = values::validator(&field.kind);
        format!(
            "/// {}\n{}{}{}: {},",
            about(field),
            if field.optional { skip } else { "" },
            if validator.is_empty() { String::new() } else { format!("#[oai({validator})]\n") },
            field.name,
            field.wrap(&values::given_kind(field, resource))
        )
    };
    let example =
        |field: &Field| format!("{}: {},", field.name, field.some(&values::given(field, resource)));
    let uses_examples = resource.has(values::is_of_examples);
    imports(Template::new(CREATE, &resource.names), resource, uses_examples)
        .fill("fields", &resource.each(field))
        .fill("rows", &resource.each(values::row))
        .fill("examples", &resource.each(example))
        .text()
}

fn update(resource: &Resource) -> String {
    let field = |field: &Field| {
        let (kind, validator) =
            (values::given_kind(field, resource), values::validator(&field.kind));
        let validator = if validator.is_empty() { validator } else { format!(", {validator}") };
        let about = about(field)
            .trim_end_matches("; absent if there is none.")
            .trim_end_matches('.')
            .to_owned();
        if field.optional {
            return format!(
                "/// {about}; `null` removes it.\n#[serde(default)]\n#[oai(nullable{validator})]\n{}: MaybeUndefined<{kind}>,",
                field.name
            );
        }
        format!(
            "/// {about}.\n#[oai(skip_serializing_if_is_none{validator})]\n{}: Option<{kind}>,",
            field.name
        )
    };
    let mut is_first = true;
    let example = |field: &Field| {
        let given = values::given(field, resource);
        let (given, none) = if field.optional {
            (format!("MaybeUndefined::Value({given})"), "MaybeUndefined::Undefined")
        } else {
            (format!("Some({given})"), "None")
        };
        let value = if is_first { given } else { none.to_owned() };
        is_first = false;
        format!("{}: {value},", field.name)
    };
    let uses_examples =
        resource.fields.first().is_some_and(|field| values::is_of_examples(&field.kind));
    let has_optional = resource.optional().next().is_some();
    imports(Template::new(UPDATE, &resource.names), resource, uses_examples)
        .fill("maybe_undefined", if has_optional { ", MaybeUndefined" } else { "" })
        .fill("fields", &resource.each(field))
        .fill("applications", &resource.each(values::apply))
        .fill("patched", if has_optional { PATCHED } else { "" })
        .fill("examples", &resource.each(example))
        .text()
}

const PATCHED: &str = "\
/// What an optional field becomes: `null` removes it.
fn patched<T, U>(
    patch: &MaybeUndefined<T>,
    stored: Option<U>,
    to: impl FnOnce(&T) -> U,
) -> Option<U> {
    match patch {
        MaybeUndefined::Undefined => stored,
        MaybeUndefined::Null => None,
        MaybeUndefined::Value(value) => Some(to(value)),
    }
}";

/// What the types of the fields come from.
fn imports(template: Template, resource: &Resource, uses_examples: bool) -> Template {
    let has = |is: fn(&Kind) -> bool| resource.has(is);
    let chrono = match (has(|it| *it == Kind::Timestamptz), has(|it| *it == Kind::Date)) {
        (true, true) => "use chrono::{DateTime, NaiveDate, Utc};",
        (true, false) => "use chrono::{DateTime, Utc};",
        (false, true) => "use chrono::NaiveDate;",
        (false, false) => "",
    };
    let has_ids = has(|it| matches!(it, Kind::Uuid | Kind::Ref(_)));
    let enums: Vec<_> = resource
        .fields
        .iter()
        .filter(|field| matches!(field.kind, Kind::Enum(_)))
        .map(|field| field.enum_type(&resource.names))
        .collect();
    let enums = match enums.len() {
        0 => String::new(),
        1 => format!("use super::{};", enums[0]),
        _ => format!("use super::{{{}}};", enums.join(", ")),
    };
    let web = match (uses_examples, has(|it| matches!(it, Kind::Text { .. }))) {
        (true, true) => "use web::{examples, text::Line};",
        (true, false) => "use web::examples;",
        (false, true) => "use web::text::Line;",
        (false, false) => "",
    };
    template
        .fill("chrono", chrono)
        .fill("uuid", if has_ids { "use uuid::Uuid;" } else { "" })
        .fill("enum_uses", &enums)
        .fill("web", web)
        .fill("objects", if has(|it| *it == Kind::Jsonb) { OBJECTS } else { "" })
}

/// What the document says of a field.
fn about(field: &Field) -> String {
    let about = match &field.kind {
        Kind::Text { max } => format!("one line of at most {max} characters"),
        Kind::Int | Kind::Bigint => "a whole number".to_owned(),
        Kind::Numeric { digits, scale } => format!(
            "a decimal number of at most {} digits before the point and {scale} after it, as text",
            digits - scale
        ),
        Kind::Bool => "yes or no".to_owned(),
        Kind::Uuid => "a UUID".to_owned(),
        Kind::Date => "a day".to_owned(),
        Kind::Timestamptz => "a time, in UTC".to_owned(),
        Kind::Jsonb => "an object of any shape".to_owned(),
        Kind::Enum(_) => "one of a few values".to_owned(),
        Kind::Ref(parent) => format!("the id of {}", with_article(&parent.one)),
    };
    let unique = if field.unique { ", which no other has" } else { "" };
    let optional = if field.optional { "; absent if there is none" } else { "" };
    format!("{}: {about}{unique}{optional}.", capital(&field.label()))
}

fn enum_file(field: &Field, values: &[String], resource: &Resource) -> String {
    let name = field.enum_type(&resource.names);
    let each = |line: &dyn Fn(&String, &str) -> String| {
        let lines = values.iter().map(|value| line(value, &type_name(value)));
        lines.collect::<Vec<_>>().join("\n")
    };
    let variant = |value: &String, variant: &str| {
        // What `rename_all` might split in another way.
        let is_odd = value
            .split('_')
            .any(|word| word.len() == 1 || word.contains(|letter: char| letter.is_ascii_digit()));
        let rename = format!("#[serde(rename = \"{value}\")]\n#[oai(rename = \"{value}\")]\n");
        let rename = if is_odd { rename.as_str() } else { "" };
        format!("/// {}.\n{rename}{variant},", capital(&value.replace('_', " ")))
    };
    Template::new(ENUM, &resource.names)
        .fill("Enum", &name)
        .fill("label", &field.label())
        .fill("variants", &each(&variant))
        .fill("from_stored", &each(&|_, it| format!("rows::{name}::{it} => Self::{it},")))
        .fill("from_given", &each(&|_, it| format!("{name}::{it} => Self::{it},")))
        .text()
}
