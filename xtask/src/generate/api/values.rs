//! The types of fields, and expressions that make one from another.

use crate::generate::{Field, Kind, Resource, names::type_name};

/// In answers, without `Option`.
pub(super) fn kind(field: &Field, resource: &Resource) -> String {
    let kind = match field.kind {
        Kind::Text { .. } | Kind::Numeric { .. } => "String",
        Kind::Int => "i32",
        Kind::Bigint => "i64",
        Kind::Bool => "bool",
        Kind::Uuid | Kind::Ref(_) => "Uuid",
        Kind::Date => "NaiveDate",
        Kind::Timestamptz => "DateTime<Utc>",
        Kind::Jsonb => "AnyObject",
        Kind::Enum(_) => return field.enum_type(&resource.names),
    };
    kind.to_owned()
}

/// In requests, without `Option`.
pub(super) fn given_kind(field: &Field, resource: &Resource) -> String {
    match field.kind {
        Kind::Text { max } => format!("Line<{max}>"),
        _ => kind(field, resource),
    }
}

/// What the type does not say of a value from outside.
pub(super) fn validator(kind: &Kind) -> String {
    let range = |min: &str, max: &str| {
        format!("validator(minimum(value = \"{min}\"), maximum(value = \"{max}\"))")
    };
    match kind {
        Kind::Int => range("-2147483648", "2147483647"),
        // What JavaScript keeps exactly.
        Kind::Bigint => range("-9007199254740991", "9007199254740991"),
        Kind::Numeric { digits, scale } => {
            let whole = match digits - scale {
                0 => "0".to_owned(),
                digits => format!("[0-9]{{1,{digits}}}"),
            };
            let part = match scale {
                0 => String::new(),
                scale => format!(r"(\.[0-9]{{1,{scale}}})?"),
            };
            format!("validator(pattern = r\"^-?{whole}{part}$\")")
        }
        _ => String::new(),
    }
}

/// An example for an answer.
pub(super) fn answered(field: &Field, resource: &Resource) -> String {
    match &field.kind {
        Kind::Text { max } => format!("\"{}\".to_owned()", text(field, *max)),
        _ => given(field, resource),
    }
}

/// An example for a request.
pub(super) fn given(field: &Field, resource: &Resource) -> String {
    let name = &resource.names;
    let value = match &field.kind {
        Kind::Text { max } => return format!("Line(\"{}\".to_owned())", text(field, *max)),
        Kind::Numeric { digits, scale } => {
            return format!("\"{}\".to_owned()", decimal(*digits, *scale));
        }
        Kind::Enum(values) => {
            return format!("{}::{}", field.enum_type(name), type_name(&values[0]));
        }
        Kind::Ref(parent) => match parent.things.as_str() {
            "accounts" => "examples::ACCOUNT",
            _ => "examples::OTHER",
        },
        Kind::Int | Kind::Bigint => "1",
        Kind::Bool => "true",
        Kind::Uuid => "examples::OTHER",
        Kind::Date => "examples::time().date_naive()",
        Kind::Timestamptz => "examples::time()",
        Kind::Jsonb => "AnyObject::from([(\"key\".to_owned(), \"value\".into())])",
    };
    value.to_owned()
}

/// A text that is no longer than `max`.
pub(in crate::generate) fn text(field: &Field, max: u32) -> String {
    let text = format!("A {}", field.label());
    if text.len() <= max as usize { text } else { "a".to_owned() }
}

/// `1.50`
pub(in crate::generate) fn decimal(digits: u32, scale: u32) -> String {
    let whole = u32::from(digits > scale);
    if scale == 0 {
        whole.to_string()
    } else {
        format!("{whole}.5{}", "0".repeat(scale as usize - 1))
    }
}

pub(super) fn is_of_examples(kind: &Kind) -> bool {
    matches!(kind, Kind::Uuid | Kind::Ref(_) | Kind::Date | Kind::Timestamptz)
}

/// From a row to an answer.
pub(super) fn from_stored(field: &Field, resource: &Resource) -> String {
    let name = &field.name;
    let value = match (&field.kind, field.optional) {
        (Kind::Jsonb, false) => format!("objects::read(&stored.{name})"),
        (Kind::Jsonb, true) => format!("stored.{name}.as_deref().map(objects::read)"),
        (Kind::Enum(_), false) => format!("stored.{name}.into()"),
        (Kind::Enum(_), true) => {
            format!("stored.{name}.map({}::from)", field.enum_type(&resource.names))
        }
        _ => format!("stored.{name}"),
    };
    format!("{name}: {value},")
}

/// From a request to a row.
pub(super) fn row(field: &Field) -> String {
    let name = &field.name;
    let value = match (&field.kind, field.optional) {
        (Kind::Text { .. }, false) => format!("self.{name}.0.clone()"),
        (Kind::Text { .. }, true) => format!("self.{name}.as_ref().map(|text| text.0.clone())"),
        (Kind::Numeric { .. }, _) => format!("self.{name}.clone()"),
        (Kind::Jsonb, false) => format!("objects::write(&self.{name})"),
        (Kind::Jsonb, true) => format!("self.{name}.as_ref().map(objects::write)"),
        (Kind::Enum(_), false) => format!("self.{name}.into()"),
        (Kind::Enum(_), true) => format!("self.{name}.map(Into::into)"),
        _ => format!("self.{name}"),
    };
    format!("{name}: {value},")
}

/// From a change, and the row as it is, to the row as it becomes.
pub(super) fn apply(field: &Field) -> String {
    let name = &field.name;
    let value = match (&field.kind, field.optional) {
        (Kind::Text { .. }, false) => {
            format!("self.{name}.as_ref().map_or(&stored.{name}, |text| &text.0).clone()")
        }
        (Kind::Numeric { .. }, false) => {
            format!("self.{name}.as_ref().unwrap_or(&stored.{name}).clone()")
        }
        (Kind::Jsonb, false) => format!(
            "self.{name}.as_ref().map_or_else(|| stored.{name}.clone(), \
             |patch| objects::merge(&stored.{name}, patch))"
        ),
        (Kind::Enum(_), false) => format!("self.{name}.map_or(stored.{name}, Into::into)"),
        (_, false) => format!("self.{name}.unwrap_or(stored.{name})"),
        (Kind::Text { .. }, true) => patched(name, ".clone()", "|text| text.0.clone()"),
        (Kind::Numeric { .. }, true) => patched(name, ".clone()", "String::clone"),
        (Kind::Jsonb, true) => {
            let had = format!("stored.{name}.as_deref().unwrap_or(\"{{}}\")");
            patched(name, ".clone()", &format!("|patch| objects::merge({had}, patch)"))
        }
        (Kind::Enum(_), true) => patched(name, "", "|it| (*it).into()"),
        (_, true) => patched(name, "", "|it| *it"),
    };
    format!("{name}: {value},")
}

fn patched(name: &str, clone: &str, to: &str) -> String {
    format!("patched(&self.{name}, stored.{name}{clone}, {to})")
}
