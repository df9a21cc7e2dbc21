//! The schemas of a resource in the OpenAPI document: a stored item, a page and a patch.
//!
//! Each is derived from the schema and the example of the fields `T`, such as `CreateBook`.

use std::{borrow::Cow, marker::PhantomData};

use chrono::{DateTime, Utc};
use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef, Registry},
    types::Type,
};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Fields;
use crate::examples;

/// A stored item: its id, the fields `T`, its version and times.
pub struct Stored<T>(PhantomData<fn() -> T>);

/// A page of items.
pub struct Page<T>(PhantomData<fn() -> T>);

/// Changes of the fields `T`, as a JSON merge patch (RFC 7396).
#[derive(Deserialize)]
#[serde(transparent, bound = "")]
pub struct Patch<T> {
    pub(super) value: Value,
    #[serde(skip)]
    fields: PhantomData<fn() -> T>,
}

/// Returns `OrderLine`, for `CreateOrderLine`.
fn name<T: Type>() -> String {
    let name = T::name();
    name.strip_prefix("Create").unwrap_or(&name).to_owned()
}

/// Returns `order line`, for `CreateOrderLine`.
pub(super) fn words<T: Type>() -> String {
    let mut words = String::new();
    for letter in name::<T>().chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

fn described(schema: MetaSchemaRef, text: &'static str) -> MetaSchemaRef {
    schema.merge(MetaSchema { description: Some(text), ..MetaSchema::ANY })
}

fn stored<T: Fields>(fields: MetaSchema, name: String) -> MetaSchema {
    let mut example = serde_json::to_value(T::example()).expect("fields have text keys");
    let id = "The ID of the resource, a UUID of version 7.";
    let mut properties = vec![("id", described(Uuid::schema_ref(), id))];
    let parent = T::PARENT.map(|column| (column, "The ID of the parent resource."));
    let owner =
        T::IS_OWNED.then_some(("owner_id", "The ID of the account that owns the resource."));
    for (column, text) in parent.into_iter().chain(owner) {
        properties.push((column, described(Uuid::schema_ref(), text)));
        example[column] = json!(examples::ACCOUNT);
    }
    let mut required: Vec<_> = properties.iter().map(|(name, _)| *name).collect();
    properties.extend(fields.properties);
    required.extend(fields.required);
    for (name, schema, text) in [
        ("version", i32::schema_ref(), "Increases by 1 with every change. Equals the `ETag`."),
        ("created_at", DateTime::<Utc>::schema_ref(), "The time of creation, in UTC."),
        ("updated_at", DateTime::<Utc>::schema_ref(), "The time of the last change, in UTC."),
    ] {
        properties.push((name, described(schema, text)));
        required.push(name);
    }
    example["id"] = json!(examples::OTHER);
    example["version"] = json!(1);
    example["created_at"] = json!(examples::time());
    example["updated_at"] = json!(examples::time());
    MetaSchema { title: Some(name), properties, required, example: Some(example), ..fields }
}

fn page(item: MetaSchemaRef, name: String, example: &Value) -> MetaSchema {
    let items = MetaSchema { items: Some(Box::new(item)), ..MetaSchema::new("array") };
    let items = MetaSchemaRef::Inline(Box::new(items));
    let next = "The `cursor` of the next page. Absent on the last page.";
    MetaSchema {
        title: Some(name),
        description: Some("A page of a list."),
        required: vec!["items"],
        properties: vec![
            ("items", described(items, "The items of the page, oldest first.")),
            ("next", described(Uuid::schema_ref(), next)),
        ],
        example: Some(json!({ "items": [example], "next": examples::OTHER })),
        ..MetaSchema::new("object")
    }
}

/// Makes every field optional. `null` removes the value of an optional field.
fn patch(fields: MetaSchema, name: String) -> MetaSchema {
    let nullable = |(name, schema): (&'static str, MetaSchemaRef)| {
        match schema {
            schema if fields.required.contains(&name) => (name, schema),
            // Removes the default, because an absent field in a patch keeps its value.
            MetaSchemaRef::Inline(schema) if schema.default.is_some() => {
                (name, MetaSchemaRef::Inline(Box::new(MetaSchema { default: None, ..*schema })))
            }
            schema => (name, schema.merge(MetaSchema { nullable: true, ..MetaSchema::ANY })),
        }
    };
    MetaSchema {
        title: Some(name),
        description: Some(
            "The fields to change. Absent fields keep their values, and `null` removes a value.",
        ),
        properties: fields.properties.into_iter().map(nullable).collect(),
        required: Vec::new(),
        ..fields
    }
}

macro_rules! schema {
    ($type:ident, $name:expr, $make:expr) => {
        impl<T: Fields> Type for $type<T> {
            const IS_REQUIRED: bool = true;
            type RawValueType = Self;
            type RawElementValueType = Self;

            fn name() -> Cow<'static, str> {
                let named: fn(String) -> String = $name;
                named(name::<T>()).into()
            }

            fn schema_ref() -> MetaSchemaRef {
                MetaSchemaRef::Reference(Self::name().into_owned())
            }

            fn register(registry: &mut Registry) {
                let name = Self::name().into_owned();
                registry.create_schema::<Self, _>(name.clone(), |registry| $make(registry, name));
            }

            fn as_raw_value(&self) -> Option<&Self> {
                Some(self)
            }

            fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
                Box::new(std::iter::once(self))
            }
        }
    };
}

schema!(Stored, |name| name, |registry: &mut Registry, name| {
    stored::<T>(registry.create_fake_schema::<T>(), name)
});
schema!(Page, |name| name + "Page", |registry: &mut Registry, name| {
    let stored = registry.create_fake_schema::<Stored<T>>();
    page(Stored::<T>::schema_ref(), name, &stored.example.unwrap_or_default())
});
schema!(Patch, |name| format!("Update{name}"), |registry: &mut Registry, name| {
    patch(registry.create_fake_schema::<T>(), name)
});
